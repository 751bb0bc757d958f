/** The clients of a soak. Each goes round and round, at its own pace, until it is told to stop. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LockdError } from "../../src/api/errors.ts";
import type { HttpLockd } from "../../src/client/http-lockd.ts";
import type { LockdClient } from "../../src/client/types.ts";
import { keysOfKind, ordersQueue, sharedKey, soakTxnId } from "./soak-names.ts";

/** Messages waiting at most: beyond it producers rest. */
const backlogMax = 200;
/** Every so many-th payload and attachment is too large to be kept beside its record. */
const largeEvery = 5;
const largeBytes = 40_000;

export interface Counts {
  committed: number;
  rolledBack: number;
  abandoned: number;
  expired: number;
  killed: number;
  enqueued: number;
  acked: number;
}

export class Lanes {
  readonly counts: Counts = {
    committed: 0,
    rolledBack: 0,
    abandoned: 0,
    expired: 0,
    killed: 0,
    enqueued: 0,
    acked: 0,
  };
  /** How often lockd refused, by code. */
  readonly refusals = new Map<string, number>();
  readonly #client: LockdClient;
  readonly #lockd: HttpLockd;
  readonly #port: number;
  #number = 0;
  #stopped = false;

  constructor(parts: { client: LockdClient; lockd: HttpLockd; port: number }) {
    this.#client = parts.client;
    this.#lockd = parts.lockd;
    this.#port = parts.port;
  }

  /** Resolves when all of them have stopped. */
  async run(): Promise<void> {
    const transfers = Array.from({ length: 4 }, () => this.#lane(10, () => this.#transfer()));
    await Promise.all([
      ...transfers,
      this.#lane(20, () => this.#rollBack()),
      this.#lane(100, () => this.#abandon()),
      this.#lane(100, () => this.#expire()),
      this.#lane(5, () => this.#produce()),
      this.#lane(5, () => this.#produce()),
      this.#lane(20, () => this.#consume()),
      this.#lane(2_000, () => this.#killed()),
    ]);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Takes what is left in the queue, which was given up by clients that are gone. */
  async drain(visibilityMs: number): Promise<void> {
    for (;;) {
      const asked = { owner: "drain", waitMs: visibilityMs + 1_000 };
      const message = await this.#client.dequeue(ordersQueue, asked);
      if (message === null) return;
      await message.ack();
    }
  }

  /** lockd's own refusals are part of a busy day; anything else ends the soak. */
  async #lane(pauseMs: number, round: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      await sleep(pauseMs * (0.5 + Math.random()));
      await round().catch((error: unknown) => {
        if (!(error instanceof LockdError)) throw error;
        this.refusals.set(error.code, (this.refusals.get(error.code) ?? 0) + 1);
      });
    }
  }

  #next(): number {
    this.#number += 1;
    return this.#number;
  }

  #body(number: number): Buffer {
    return Buffer.alloc(number % largeEvery === 0 ? largeBytes : 100, "x");
  }

  /** Two keys, a statement each, the old one gone, and the message that asked for it. */
  async #transfer(fails = false): Promise<void> {
    const number = this.#next();
    const from = number % keysOfKind;
    const keys = [from, from + 1 + (number % (keysOfKind - 1))].map((at) => sharedKey("a", at));
    await this.#client.transaction(
      async (tx) => {
        const message = await tx.dequeue(ordersQueue, { waitMs: "none" });
        await message?.payload.bytes();
        for (const key of await tx.acquireAll(keys)) {
          const { n } = await key.loadOr({ n: 0 });
          await key.save({ n: n + 1 });
          const name = `statement-${n % 2}`;
          await key.attachments.attach({ name, body: this.#body(number) });
          await key.attachments.delete({ name: `statement-${(n + 1) % 2}` });
        }
        if (fails) throw new RollBack();
      },
      { ttlMs: 8_000, waitMs: 8_000 },
    );
    this.counts.committed += 1;
  }

  async #rollBack(): Promise<void> {
    await this.#transfer(true).catch((error: unknown) => {
      if (!(error instanceof RollBack)) throw error;
      this.counts.rolledBack += 1;
    });
  }

  /** Stages on two keys, takes a message, and is never heard of again. */
  async #abandon(): Promise<void> {
    const number = this.#next();
    const txnId = soakTxnId(number);
    const owner = "abandoning";
    for (const at of [number, number + 1].map((one) => one % keysOfKind).sort((a, b) => a - b)) {
      const key = sharedKey("abandoned", at);
      const asked = { key, owner, txnId, ttlSeconds: 1, blockSeconds: 3 };
      const lease = { ...(await this.#lockd.acquire(asked)), key };
      const text = this.#body(number).toString();
      await this.#lockd.update(lease, Buffer.from(JSON.stringify({ text })));
      await this.#lockd.attachments.attach({ ...lease, name: "left" }, this.#body(number));
    }
    this.counts.abandoned += 1;
    const request = { queue: ordersQueue, owner, txnId, waitSeconds: -1 };
    await this.#lockd.queues.dequeue({ ...request, visibilityTimeoutSeconds: 1 });
  }

  /** A lease without a transaction of its own, left to its end with something staged. */
  async #expire(): Promise<void> {
    const number = this.#next();
    const key = sharedKey("expired", number);
    const asked = { key, owner: "expiring", ttlSeconds: 1, blockSeconds: -1 };
    const lease = { ...(await this.#lockd.acquire(asked)), key };
    await this.#lockd.attachments.attach({ ...lease, name: "left" }, this.#body(number));
    this.counts.expired += 1;
  }

  async #produce(): Promise<void> {
    const { pendingCandidates } = await this.#client.queueStats(ordersQueue);
    if (pendingCandidates > backlogMax) return;
    await this.#client.enqueue(ordersQueue, this.#body(this.#next()));
    this.counts.enqueued += 1;
  }

  async #consume(): Promise<void> {
    const asked = { owner: "consumer", waitMs: 500, visibilityMs: 2_000 };
    const message = await this.#client.dequeue(ordersQueue, asked);
    if (message === null) return;
    const chance = Math.random();
    // Some are left to their leases, some are put back.
    if (chance < 0.05) return;
    if (chance < 0.15) await message.defer();
    else {
      await message.ack();
      this.counts.acked += 1;
    }
  }

  /** A process that dies in the middle of everything. */
  async #killed(): Promise<void> {
    const script = path.join(import.meta.dirname, "killed-client.ts");
    const args = ["--no-warnings", script, String(this.#port), String(this.#next())];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    const ended = once(child, "exit");
    await Promise.race([once(child, "message"), ended]);
    await sleep(Math.random() * 200);
    child.kill("SIGKILL");
    await ended;
    this.counts.killed += 1;
  }
}

class RollBack extends Error {
  override readonly name = "RollBack";
}
