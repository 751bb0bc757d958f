/**
 * A server under queue load, killed with -9 and started again: no acknowledged message is lost, no
 * message comes again after an acknowledged ack, no token comes twice.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LockdApiError, LockdError } from "../../src/api/errors.ts";
import type { Delivery } from "../../src/api/queues.ts";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import type { KillStorm } from "./kill-storm.ts";
import { QueueLedger } from "./queue-ledger.ts";
import { freePort, startServer, untilServing } from "./storm-server.ts";

const producers = 4;
const consumers = 4;
const subscribers = 2;
const queue = "storm";

/** Seconds of a lease: short, so that what a kill leaves leased comes again soon. */
const visibilityTimeoutSeconds = 2;

/** Bytes of every tenth payload: too long to be kept in the record. */
const longPayloadBytes = 20_000;

async function textOf(delivery: Delivery): Promise<string> {
  if (delivery.payload instanceof Uint8Array) return Buffer.from(delivery.payload).toString();
  const parts: Uint8Array[] = [];
  for await (const part of delivery.payload) parts.push(part);
  return Buffer.concat(parts).toString();
}

class Storm {
  readonly ledger = new QueueLedger();
  #count = 0;

  async produce({ queues }: HttpLockd): Promise<void> {
    for (;;) {
      this.#count += 1;
      const text = `message ${this.#count} `;
      const payload = this.#count % 10 === 0 ? text.padEnd(longPayloadBytes, "x") : text;
      this.ledger.asked(payload);
      const { messageId } = await queues.enqueue({ queue }, Buffer.from(payload));
      this.ledger.enqueued(messageId, payload);
    }
  }

  async consume({ queues }: HttpLockd): Promise<void> {
    for (let round = 0; ; round += 1) {
      const request = { queue, owner: "storm", visibilityTimeoutSeconds, waitSeconds: 2 };
      for (const delivery of await queues.dequeue({ ...request, pageSize: 1 + (round % 4) })) {
        await this.settle({ queues }, delivery);
      }
    }
  }

  async subscribe({ queues }: HttpLockd): Promise<void> {
    const request = { queue, owner: "storm", visibilityTimeoutSeconds, pageSize: 4 };
    for await (const delivery of await queues.subscribe(request)) {
      await this.settle({ queues }, delivery);
    }
  }

  /** Most are acked, some are put back at once, some are left to their leases. */
  async settle({ queues }: Pick<HttpLockd, "queues">, delivery: Delivery): Promise<void> {
    const { messageId, fencingToken } = delivery;
    this.ledger.delivered({ messageId, fencingToken, payload: await textOf(delivery) });
    const chance = Math.random();
    if (chance < 0.1) return;
    if (chance < 0.2) {
      await queues.nack({ ...delivery, intent: "defer" });
      return;
    }
    this.ledger.askedAck(messageId);
    await queues.ack({ ...delivery });
    this.ledger.acked(messageId);
  }

  /** Takes everything that is left; what must be there and is not was lost. */
  async drain({ queues }: HttpLockd): Promise<void> {
    for (;;) {
      const request = { queue, owner: "drain", visibilityTimeoutSeconds: 60, pageSize: 64 };
      const waitSeconds = this.ledger.missing().length > 0 ? visibilityTimeoutSeconds + 3 : -1;
      const page = await queues.dequeue({ ...request, waitSeconds }).catch((error: unknown) => {
        if (error instanceof LockdApiError && error.code === "waiting") return [];
        throw error;
      });
      if (page.length === 0) break;
      for (const delivery of page) {
        const { messageId, fencingToken } = delivery;
        this.ledger.delivered({ messageId, fencingToken, payload: await textOf(delivery) });
        await queues.ack({ ...delivery });
        this.ledger.acked(messageId);
      }
    }
    const missing = this.ledger.missing();
    if (missing.length > 0) throw new Error(`lost: ${missing.slice(0, 5).join(", ")}`);
  }
}

/** Runs until the server is gone; only lockd's own failures are expected. */
async function lane(work: (lockd: HttpLockd) => Promise<void>, lockd: HttpLockd): Promise<void> {
  for (;;) {
    try {
      await work(lockd);
    } catch (error) {
      if (!(error instanceof LockdError)) throw error;
      // A lease that ran out under load is no end; a server that is gone is.
      if (!(error instanceof LockdApiError)) return;
    }
  }
}

/** @throws when a message was lost, or came after its ack, or a token came twice */
export async function queueStorm({ cycles, say }: KillStorm): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-queue-storm-"));
  const port = await freePort();
  const storm = new Storm();
  const { ledger } = storm;
  for (let cycle = 0; cycle <= cycles; cycle += 1) {
    const server = startServer(directory, port);
    const lockd = new HttpLockd({ endpoints: `http://127.0.0.1:${port}`, failureRetries: 0 });
    await untilServing(lockd);
    if (cycle === cycles) {
      await storm.drain(lockd);
      await lockd.close();
      server.kill("SIGTERM");
      await once(server, "exit");
      break;
    }
    const lanes = [
      ...Array.from({ length: producers }, () => lane((to) => storm.produce(to), lockd)),
      ...Array.from({ length: consumers }, () => lane((to) => storm.consume(to), lockd)),
      ...Array.from({ length: subscribers }, () => lane((to) => storm.subscribe(to), lockd)),
    ];
    await sleep(150 + Math.random() * 350);
    server.kill("SIGKILL");
    await once(server, "exit");
    await lockd.close();
    await Promise.all(lanes);
    if ((cycle + 1) % 10 === 0) say(`${cycle + 1} kills, ${ledger.enqueues} messages`);
  }
  rmSync(directory, { recursive: true });
  return (
    `${cycles} kills, ${ledger.enqueues} acknowledged messages all delivered, ` +
    `${ledger.acks} acks final, ${ledger.unknown} unanswered messages that turned out to be there`
  );
}
