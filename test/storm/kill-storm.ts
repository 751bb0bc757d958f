/** A server under load, killed with -9 and started again: nothing acknowledged may be lost. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LockdError } from "../../src/api/errors.ts";
import type { AcquireResult } from "../../src/api/lockd.ts";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import { Ledger } from "./ledger.ts";
import { freePort, startServer, untilServing } from "./storm-server.ts";

/** Clients with a key of their own, and clients that share one. */
const ownLanes = 6;
const sharedLanes = 4;

export interface KillStorm {
  readonly cycles: number;
  readonly say: (text: string) => void;
}

function addressOf({ key, leaseId, txnId, fencingToken }: AcquireResult) {
  return { key, leaseId, txnId, fencingToken };
}

/** One client: counts a key up until the server is gone. Only lockd's own failures are expected. */
async function lane(lockd: HttpLockd, ledger: Ledger, key: string, nextValue: () => number) {
  try {
    for (;;) {
      const lease = await lockd.acquire({ key, owner: "storm", ttlSeconds: 2, blockSeconds: 3 });
      ledger.granted(key, lease.fencingToken);
      const value = nextValue();
      const fused = value % 3 === 0;
      if (fused) ledger.asked(key, value);
      const release = fused ? ("commit" as const) : undefined;
      const body = Buffer.from(JSON.stringify({ value }));
      const updated = await lockd.update({ ...addressOf(lease), release }, body);
      if (!fused) {
        ledger.asked(key, value);
        await lockd.release(addressOf(lease));
      }
      ledger.committed(key, value, updated.newVersion);
    }
  } catch (error) {
    if (!(error instanceof LockdError)) throw error;
  }
}

async function checkAll(lockd: HttpLockd, ledger: Ledger): Promise<void> {
  for (const key of ledger.keys) {
    const state = await lockd.get({ key, public: true });
    const text = state.body instanceof Uint8Array ? Buffer.from(state.body).toString() : "{}";
    const { value } = state.exists ? (JSON.parse(text) as { value: number }) : { value: 0 };
    ledger.check(key, { version: state.version, value });
  }
}

/** @throws when something acknowledged is missing, or a token or version came twice */
export async function killStorm({ cycles, say }: KillStorm): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-storm-"));
  const port = await freePort();
  const ledger = new Ledger();
  let value = 0;
  const nextValue = (): number => ++value;
  for (let cycle = 0; cycle <= cycles; cycle += 1) {
    const server = startServer(directory, port);
    const lockd = new HttpLockd({ endpoints: `http://127.0.0.1:${port}`, failureRetries: 0 });
    await untilServing(lockd);
    await checkAll(lockd, ledger);
    if (cycle === cycles) {
      server.kill("SIGTERM");
      await once(server, "exit");
      await lockd.close();
      break;
    }
    const keys = Array.from({ length: ownLanes }, (_, n) => `own/${n}`);
    keys.push(...Array.from({ length: sharedLanes }, () => "shared"));
    const lanes = keys.map((key) => lane(lockd, ledger, key, nextValue));
    await sleep(150 + Math.random() * 350);
    server.kill("SIGKILL");
    await once(server, "exit");
    await lockd.close();
    await Promise.all(lanes);
    if ((cycle + 1) % 10 === 0) say(`${cycle + 1} kills, ${ledger.acknowledged} commits`);
  }
  rmSync(directory, { recursive: true });
  return (
    `${cycles} kills, ${ledger.acknowledged} acknowledged commits all there, ` +
    `${ledger.unknown} unanswered ones that turned out to be committed`
  );
}
