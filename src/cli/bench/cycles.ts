/** What a client of the bench does again and again, and how it leaves everything as it was. */
import { LockdApiError } from "../../api/errors.ts";
import type { Lockd } from "../../api/lockd.ts";
import { mintTxnId } from "../../client/txn/mint-txn-id.ts";
import type { MeasureName } from "./bench-plan.ts";

/** Seconds; a bench that is killed blocks the next one no longer. */
const ttlSeconds = 20;

/** Seconds that a client waits for its message, which another one may have taken. */
const messageWaitSeconds = 10;

const owner = "lockd bench";
const body = Buffer.from(JSON.stringify({ bench: "x".repeat(287) }));

export interface Cycle {
  readonly once: (client: number) => Promise<void>;
  /** Requests of one cycle; each is one synced write of the store. */
  readonly calls: number;
}

/** Its keys are `bench/N` and `bench/N/other`, its queue is `bench`. */
export class BenchCycles {
  readonly #lockd: Lockd;
  readonly #namespace: string;

  constructor(lockd: Lockd, namespace: string) {
    this.#lockd = lockd;
    this.#namespace = namespace;
  }

  of(name: MeasureName): Cycle {
    switch (name) {
      case "lease":
        return { once: (client) => this.#lease(client), calls: 2 };
      case "update":
        return { once: (client) => this.#update(client), calls: 3 };
      case "queue":
        return { once: () => this.#message(), calls: 3 };
      case "txn":
        return { once: (client) => this.#transaction(client), calls: 5 };
    }
  }

  async #acquire(key: string, txnId?: string) {
    const { leaseId, fencingToken, ...granted } = await this.#lockd.acquire({
      ...{ namespace: this.#namespace, key, owner, ttlSeconds, txnId },
      blockSeconds: ttlSeconds,
    });
    return { namespace: this.#namespace, key, leaseId, fencingToken, txnId: granted.txnId };
  }

  async #lease(client: number): Promise<void> {
    await this.#lockd.release(await this.#acquire(`bench/${client}`));
  }

  async #update(client: number): Promise<void> {
    const lease = await this.#acquire(`bench/${client}`);
    await this.#lockd.update(lease, body);
    await this.#lockd.release(lease);
  }

  async #message(): Promise<void> {
    const address = { namespace: this.#namespace, queue: "bench" };
    await this.#lockd.queues.enqueue({ ...address, ttlSeconds: 600 }, body);
    const taken = await this.#lockd.queues.dequeue({
      ...{ ...address, owner, waitSeconds: messageWaitSeconds },
      visibilityTimeoutSeconds: ttlSeconds,
      pageSize: 1,
    });
    for (const delivery of taken) {
      if (!(delivery.payload instanceof Uint8Array)) await delivery.payload.close();
      await this.#lockd.queues.ack({ ...delivery, stateEtag: undefined });
    }
  }

  async #transaction(client: number): Promise<void> {
    const txnId = mintTxnId(Date.now());
    const one = await this.#acquire(`bench/${client}`, txnId);
    const other = await this.#acquire(`bench/${client}/other`, txnId);
    await this.#lockd.update(one, body);
    await this.#lockd.update(other, body);
    await this.#lockd.transactions.decide({ txnId, state: "commit" });
  }

  /**
   * Removes states and messages. Of each key a small record stays: it keeps the fencing tokens
   * going up. The next bench uses the same keys.
   */
  async cleanUp(clients: number): Promise<void> {
    for (let client = 0; client < clients; client += 1) {
      for (const key of [`bench/${client}`, `bench/${client}/other`]) await this.#removeState(key);
    }
    await this.#emptyQueue(clients);
  }

  async #removeState(key: string): Promise<void> {
    const { version } = await this.#lockd.status({ namespace: this.#namespace, key });
    if (version === 0) return;
    const lease = await this.#acquire(key);
    await this.#lockd.remove(lease);
    await this.#lockd.release(lease);
  }

  /** What cycles that failed left behind; each client leaves one message at most. */
  async #emptyQueue(clients: number): Promise<void> {
    const address = { namespace: this.#namespace, queue: "bench" };
    for (let round = 0; round < clients; round += 1) {
      try {
        const taken = await this.#lockd.queues.dequeue({
          ...{ ...address, owner, waitSeconds: -1, pageSize: 1 },
        });
        for (const delivery of taken) {
          if (!(delivery.payload instanceof Uint8Array)) await delivery.payload.close();
          await this.#lockd.queues.ack({ ...delivery, stateEtag: undefined });
        }
      } catch (error) {
        if (error instanceof LockdApiError && error.code === "waiting") return;
        throw error;
      }
    }
  }
}
