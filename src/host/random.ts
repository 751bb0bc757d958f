import { createHash, randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { isMainThread } from "node:worker_threads";
import { v7 } from "uuid";
import type { Random } from "../engine/ports/random.ts";
import { XidSource } from "../ids/xid.ts";

/** The same for all processes of a host, so that ids of one machine sort together. */
function machineBytes(): Uint8Array {
  if (!isMainThread) return randomBytes(3);
  return createHash("sha256").update(hostname()).digest().subarray(0, 3);
}

/** Randomness of this process. */
export function systemRandom(): Random {
  const source = new XidSource({
    nowMs: Date.now,
    machine: machineBytes(),
    process: isMainThread ? process.pid : randomBytes(2).readUInt16BE(),
    counter: randomBytes(3).readUIntBE(0, 3),
  });
  return {
    fraction: Math.random,
    xid: () => source.next(),
    uuid: () => v7(),
  };
}
