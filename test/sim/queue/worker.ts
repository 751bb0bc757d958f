/** What every consumer does with a delivery, however it got it. */
import type { DeliveredState } from "../../../src/api/queues.ts";
import type { SimNode } from "../node.ts";
import type { Rng } from "../rng.ts";
import type { Scheduler } from "../scheduler.ts";
import { readStateCall, settleCall, writeStateCall } from "./calls.ts";
import type { SeenDelivery } from "./delivery.ts";
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

export const callTimeoutMs = 8_000;

export class Worker {
  readonly #parts: ClientParts;
  #calls = 0;
  #values = 0;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  /** Calls made so far. */
  get calls(): number {
    return this.#calls;
  }

  call(node: SimNode, call: QueueCall, timeoutMs: number): Promise<QueueOutcome> {
    this.#calls += 1;
    return this.#parts.wire.call(node, call, timeoutMs);
  }

  async work(delivery: SeenDelivery): Promise<void> {
    const { rng, scheduler } = this.#parts;
    await scheduler.sleep(rng.chance(0.15) ? rng.between(0, 8_000) : rng.between(0, 100));
    const { state } = delivery;
    if (state !== undefined) await this.#workOnState(delivery, state);
    const end = rng.weighted({ ack: 6, failure: this.#failures, defer: 1, extend: 2, vanish: 1 });
    if (end === "vanish") return;
    if (end === "failure" || end === "defer") {
      const delaySeconds = rng.chance(0.3) ? rng.pick([1, 2]) : 0;
      await this.#anywhere(settleCall("nack", delivery, { intent: end, delaySeconds }));
      return;
    }
    if (end === "extend") {
      await this.#anywhere(settleCall("extend", delivery, { extendBySeconds: rng.pick([1, 4]) }));
      await scheduler.sleep(rng.between(0, 2_000));
    }
    const call = settleCall("ack", delivery, {});
    let outcome = await this.#anywhere(call);
    for (let retry = 0; retry < 3 && isUncertain(outcome); retry += 1) {
      outcome = await this.#anywhere(call);
    }
  }

  /** Where somebody looks after dead letters there are more of them. */
  get #failures(): number {
    return this.#parts.scenario.extras.keepers > 0 ? 5 : 2;
  }

  async #workOnState(delivery: SeenDelivery, state: DeliveredState): Promise<void> {
    const { rng, name } = this.#parts;
    const held = { delivery, state };
    if (rng.chance(0.8)) await this.#anywhere(readStateCall(held));
    for (let write = 0; write < rng.pick([0, 1, 1, 2]); write += 1) {
      this.#values += 1;
      const value = `${delivery.messageId}/${name}.${this.#values}`;
      await this.#anywhere(writeStateCall(held, value));
    }
    if (rng.chance(0.2)) await this.#anywhere(readStateCall(held));
  }

  #anywhere(call: QueueCall): Promise<QueueOutcome> {
    const { rng, nodes } = this.#parts;
    return this.call(rng.pick(nodes), call, callTimeoutMs);
  }
}
