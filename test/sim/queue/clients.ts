/** Seeded producers and consumers of queues. */
import type { Delivery } from "../../../src/api/queues.ts";
import type { SimNode } from "../node.ts";
import type { Rng } from "../rng.ts";
import type { Scheduler } from "../scheduler.ts";
import type { QueueScenario } from "./scenario.ts";
import { isUncertain, type QueueCall, type QueueOutcome, type QueueWire } from "./wire.ts";

export interface ClientParts {
  readonly name: string;
  readonly scenario: QueueScenario;
  readonly nodes: readonly SimNode[];
  readonly wire: QueueWire;
  readonly scheduler: Scheduler;
  readonly rng: Rng;
}

const callTimeoutMs = 8_000;

/** What a delivery is to the checks: plain data, its payload read. */
export interface SeenDelivery {
  readonly queue: string;
  readonly messageId: string;
  readonly leaseId: string;
  readonly fencingToken: number;
  readonly txnId: string;
  readonly metaEtag: string;
  readonly attempts: number;
  readonly leaseExpiresAtUnix: number;
  readonly payload: string;
}

async function seen(delivery: Delivery): Promise<SeenDelivery> {
  const { queue, messageId, leaseId, fencingToken, txnId, metaEtag, attempts } = delivery;
  const parts: Uint8Array[] = [];
  if (delivery.payload instanceof Uint8Array) parts.push(delivery.payload);
  else for await (const part of delivery.payload) parts.push(part);
  // Large payloads repeat their name; the name is what the checks compare.
  const payload = Buffer.concat(parts).toString().split("|")[0] ?? "";
  const { leaseExpiresAtUnix } = delivery;
  return {
    queue,
    messageId,
    leaseId,
    fencingToken,
    txnId,
    metaEtag,
    attempts,
    leaseExpiresAtUnix,
    payload,
  };
}

export function dequeueCall(
  queue: string,
  owner: string,
  ask: { waitSeconds: number; pageSize: number; visibilitySeconds: number },
): QueueCall {
  const { waitSeconds, pageSize, visibilitySeconds } = ask;
  const request = { queue, owner, waitSeconds, pageSize };
  return {
    verb: "dequeue",
    about: { queue, owner, waitSeconds },
    run: async (queues, signal) => {
      const page = await queues.dequeue(
        { ...request, visibilityTimeoutSeconds: visibilitySeconds },
        { signal },
      );
      return Promise.all(page.map(seen));
    },
  };
}

export function settleCall(
  verb: "ack" | "nack" | "extend",
  delivery: SeenDelivery,
  extra: { metaEtag?: string; intent?: string; delaySeconds?: number; extendBySeconds?: number },
): QueueCall {
  const { queue, messageId, leaseId, fencingToken, txnId } = delivery;
  const request = { ...delivery, ...extra };
  const { intent } = extra;
  const about = { queue, messageId, leaseId, fencingToken, txnId, ...extra, intent };
  return { verb, about, run: (queues) => queues[verb](request) };
}

export class Producer {
  readonly #parts: ClientParts;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { scenario, scheduler, rng, name } = this.#parts;
    for (let at = 0; at < scenario.messagesEach; at += 1) {
      await scheduler.sleep(rng.between(0, scenario.pauseMs * 2));
      await this.#produce(`${name}.${at}`);
    }
  }

  async #produce(payload: string): Promise<void> {
    const { scenario, wire, rng, nodes } = this.#parts;
    const queue = `q${rng.below(scenario.queues)}`;
    const grouped = scenario.groups > 0 && rng.chance(0.6);
    const group = grouped ? `g${rng.below(scenario.groups)}` : undefined;
    const dedupeKey = rng.chance(scenario.dedupeShare)
      ? rng.chance(0.5)
        ? `k${rng.below(4)}`
        : payload
      : undefined;
    const options = {
      queue,
      group,
      dedupeKey,
      dedupeWindowSeconds: 7 * 24 * 3600,
      delaySeconds: rng.chance(0.1) ? rng.pick([1, 3]) : 0,
      maxAttempts: rng.pick([1, 3, 5, 5]),
      priority: rng.chance(0.2) ? rng.pick([-1, 5]) : 0,
    };
    const bytes = rng.chance(0.1) ? Buffer.from(`${payload}|`.repeat(1_000)) : Buffer.from(payload);
    const call: QueueCall = {
      verb: "enqueue",
      about: { ...options, payload },
      run: (queues, signal) => queues.enqueue(options, bytes, { signal }),
    };
    let outcome = await wire.call(rng.pick(nodes), call, callTimeoutMs);
    const retries = dedupeKey === undefined ? 0 : 3;
    for (let retry = 0; retry < retries && isUncertain(outcome); retry += 1) {
      outcome = await wire.call(rng.pick(nodes), call, callTimeoutMs);
    }
  }
}

export class Consumer {
  readonly #parts: ClientParts;
  #calls = 0;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { scenario, scheduler, rng, name, nodes } = this.#parts;
    while (this.#calls < scenario.callsEach) {
      await scheduler.sleep(rng.between(0, scenario.pauseMs * 2));
      const ask = {
        waitSeconds: rng.pick([-1, -1, 1, 3, 0]),
        pageSize: rng.pick([1, 1, 3]),
        visibilitySeconds: rng.pick([2, 3, 5, 10]),
      };
      const call = dequeueCall(`q${rng.below(scenario.queues)}`, name, ask);
      const timeoutMs = callTimeoutMs + Math.max(0, ask.waitSeconds) * 1000;
      const outcome = await this.#call(rng.pick(nodes), call, timeoutMs);
      if (outcome.kind !== "ok") continue;
      for (const delivery of outcome.answer as readonly SeenDelivery[]) await this.#work(delivery);
    }
  }

  async #work(delivery: SeenDelivery): Promise<void> {
    const { rng, scheduler, nodes } = this.#parts;
    await scheduler.sleep(rng.chance(0.15) ? rng.between(0, 8_000) : rng.between(0, 100));
    const end = rng.weighted({ ack: 6, failure: 2, defer: 1, extend: 2, vanish: 1 });
    if (end === "vanish") return;
    if (end === "failure" || end === "defer") {
      const delaySeconds = rng.chance(0.3) ? rng.pick([1, 2]) : 0;
      const call = settleCall("nack", delivery, { intent: end, delaySeconds });
      await this.#call(rng.pick(nodes), call, callTimeoutMs);
      return;
    }
    if (end === "extend") {
      const call = settleCall("extend", delivery, { extendBySeconds: rng.pick([1, 4]) });
      await this.#call(rng.pick(nodes), call, callTimeoutMs);
      await scheduler.sleep(rng.between(0, 2_000));
    }
    const call = settleCall("ack", delivery, {});
    let outcome = await this.#call(rng.pick(nodes), call, callTimeoutMs);
    for (let retry = 0; retry < 3 && isUncertain(outcome); retry += 1) {
      outcome = await this.#call(rng.pick(nodes), call, callTimeoutMs);
    }
  }

  #call(node: SimNode, call: QueueCall, timeoutMs: number): Promise<QueueOutcome> {
    this.#calls += 1;
    return this.#parts.wire.call(node, call, timeoutMs);
  }
}
