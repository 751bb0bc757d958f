/**
 * A server under a mixed load for as long as one likes: transactions that commit, roll back and are
 * left behind, attachments, messages, leases nobody renews, clients that are killed. Then peace;
 * and nothing may be left of it, on disk or in memory.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "../../src/client/client.ts";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import { freePort, untilServing } from "../storm/storm-server.ts";
import { type Counts, Lanes } from "./lanes.ts";
import type { Sample } from "./slope.ts";
import {
  type Memory,
  maxTtlSeconds,
  SoakServer,
  sweepGraceMs,
  sweepIntervalMs,
} from "./soak-server.ts";
import { leftIn } from "./store-left.ts";

export interface SoakReport {
  readonly counts: Counts;
  readonly refusals: ReadonlyMap<string, number>;
  readonly left: readonly string[];
  readonly memory: Readonly<Record<keyof Memory, readonly Sample[]>>;
}

export interface SoakPlan {
  readonly seconds: number;
  readonly say: (text: string) => void;
}

/** Milliseconds between two samples of memory, at least; each is a full garbage collection. */
const sampleMsMin = 1_000;
const samplesWanted = 240;

/** Milliseconds until every lease is over, the server has been idle, and has swept twice. */
const quietMs = maxTtlSeconds * 1_000 + sweepGraceMs + 6 * sweepIntervalMs;

/** @throws when the server dies, or a client fails otherwise than lockd refuses */
export async function soak({ seconds, say }: SoakPlan): Promise<SoakReport> {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-soak-"));
  const port = await freePort();
  const server = new SoakServer(directory, port);
  const endpoints = `http://127.0.0.1:${port}`;
  const lockd = new HttpLockd({ endpoints, failureRetries: 0 });
  const client = createClient({ endpoints });
  try {
    await untilServing(lockd);
    const lanes = new Lanes({ client, lockd, port });
    const running = lanes.run();
    const watching = watchMemory(server, { seconds, say, counts: lanes.counts });
    // Whatever ends first: a lane only ends early by failing.
    await Promise.race([watching, running]);
    lanes.stop();
    await running;
    const memory = await watching;
    await lanes.drain(maxTtlSeconds * 1_000);
    await Promise.all([client.close(), lockd.close()]);
    await sleep(quietMs);
    await server.stop();
    const { counts, refusals } = lanes;
    return { counts, refusals, memory, left: await leftIn(directory) };
  } finally {
    server.kill();
    await Promise.all([client.close(), lockd.close()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function watchMemory(
  server: SoakServer,
  { seconds, say, counts }: SoakPlan & { readonly counts: Counts },
): Promise<SoakReport["memory"]> {
  const memory = { heapUsed: [] as Sample[], external: [] as Sample[], rss: [] as Sample[] };
  const pauseMs = Math.max(sampleMsMin, (seconds * 1_000) / samplesWanted);
  const from = performance.now();
  let told = 0;
  for (;;) {
    await sleep(pauseMs);
    const atMs = performance.now() - from;
    const now = await server.memory();
    for (const name of ["heapUsed", "external", "rss"] as const) {
      memory[name].push({ atMs, bytes: now[name] });
    }
    if (atMs >= seconds * 1_000) return memory;
    if (atMs - told < 60_000) continue;
    told = atMs;
    const heapMiB = (now.heapUsed / 2 ** 20).toFixed(1);
    say(`${Math.round(atMs / 60_000)} min, ${counts.committed} commits, heap ${heapMiB} MiB`);
  }
}
