/** A long payload goes in and out of a server in a process of its own; the server stays small. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { HttpLockd } from "../../src/client/http-lockd.ts";

const payloadBytes = 200 * 1024 * 1024;

/** MiB. Far below the payload, far above the 10 that code and young garbage need. */
const growthMax = 48;

/** The most memory a process ever had, in MiB; undefined where nobody tells. */
function peakMegabytes(child: ChildProcess): number | undefined {
  if (process.platform !== "linux") return undefined;
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(256 * 1024, "payload\r\n--");
  for (let bytes = 0; bytes < payloadBytes; bytes += piece.length) yield piece;
}

test("11: 200 MiB in and out, byte for byte", { timeout: 120_000 }, async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-memory-"));
  const file = path.join(import.meta.dirname, "../support/own-directory.ts");
  const server = fork(file, [directory]);
  try {
    await once(server, "message");
    const client = new HttpLockd({ endpoints: `unix://${directory}/lockd.sock` });
    await client.queues.enqueue({ queue: "small" }, Buffer.from("x"));
    const before = peakMegabytes(server);
    const answer = await client.queues.enqueue({ queue: "q" }, pieces());
    expect(answer.payloadBytes).toBe(payloadBytes);
    const [delivery] = await client.queues.dequeue({ queue: "q", owner: "w" });
    if (delivery === undefined || delivery.payload instanceof Uint8Array) throw new Error("none");
    const wanted = pieces();
    let expected = Buffer.alloc(0);
    let read = 0;
    for await (const chunk of delivery.payload) {
      while (expected.length < chunk.length) {
        const next = await wanted.next();
        if (next.done === true) break;
        expected = Buffer.concat([expected, next.value]);
      }
      if (!expected.subarray(0, chunk.length).equals(chunk)) throw new Error(`differs at ${read}`);
      expected = expected.subarray(chunk.length);
      read += chunk.length;
    }
    expect(read).toBe(payloadBytes);
    const after = peakMegabytes(server);
    if (before !== undefined) expect((after ?? 0) - before).toBeLessThan(growthMax);
    await client.close();
  } finally {
    const exit = once(server, "exit");
    server.kill("SIGKILL");
    await exit;
    await rm(directory, { recursive: true, force: true });
  }
});
