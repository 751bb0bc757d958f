/** Seeded producers and consumers of queues. */
import { dequeueCall } from "./calls.ts";
import type { SeenDelivery } from "./delivery.ts";
import { isUncertain, type QueueCall } from "./wire.ts";
import { type ClientParts, callTimeoutMs, Worker } from "./worker.ts";

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
      ...this.#limits(),
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

  /** How long, and how often delivered, a message lives: what older seeds know nothing of. */
  #limits(): { ttlSeconds?: number; maxDeliveries?: number } {
    const { scenario, rng } = this.#parts;
    const { ttlShare, limitShare } = scenario.extras;
    return {
      ...(rng.chance(ttlShare) ? { ttlSeconds: rng.pick([1, 2, 4, 8, 20]) } : {}),
      ...(rng.chance(limitShare) ? { maxDeliveries: rng.pick([1, 2, 3]) } : {}),
    };
  }
}

export class Consumer {
  readonly #parts: ClientParts;
  readonly #worker: Worker;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#worker = new Worker(parts);
  }

  async run(): Promise<void> {
    const { scenario, scheduler, rng, name, nodes } = this.#parts;
    while (this.#worker.calls < scenario.callsEach) {
      await scheduler.sleep(rng.between(0, scenario.pauseMs * 2));
      const ask = {
        waitSeconds: rng.pick([-1, -1, 1, 3, 0]),
        pageSize: rng.pick([1, 1, 3]),
        visibilitySeconds: rng.pick([2, 3, 5, 10]),
        withState: rng.chance(scenario.extras.stateShare),
      };
      const call = dequeueCall(`q${rng.below(scenario.queues)}`, name, ask);
      const timeoutMs = callTimeoutMs + Math.max(0, ask.waitSeconds) * 1000;
      const outcome = await this.#worker.call(rng.pick(nodes), call, timeoutMs);
      if (outcome.kind !== "ok") continue;
      for (const delivery of outcome.answer as readonly SeenDelivery[]) {
        await this.#worker.work(delivery);
      }
    }
  }
}
