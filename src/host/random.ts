import { createHash, randomBytes, randomFillSync } from "node:crypto";
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
  const pool = new RandomPool();
  return {
    fraction: Math.random,
    xid: () => source.next(),
    uuid: () => v7({ rng: () => pool.take16() }),
  };
}

/** Bytes fetched from the system at once: one call for 256 ids instead of one each. */
const poolBytes = 4096;

class RandomPool {
  readonly #bytes = Buffer.alloc(poolBytes);
  #at = poolBytes;

  take16(): Uint8Array {
    if (this.#at === poolBytes) {
      randomFillSync(this.#bytes);
      this.#at = 0;
    }
    this.#at += 16;
    return this.#bytes.subarray(this.#at - 16, this.#at);
  }
}
