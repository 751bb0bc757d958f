/**
 * After the work, when nothing fails any more: consumers at every node find everything there is,
 * every dead letter is put back and delivered once more, and in the end nothing is left over.
 */
import type { DeadLetterChange } from "../../../src/api/queues.ts";
import {
  deadLetterPrefix,
  messagePrefix,
  partsOfName,
  stateOwnerOf,
} from "../../../src/engine/queue/message.ts";
import { decodeMessage } from "../../../src/engine/queue/message-codec.ts";
import { recordPrefix } from "../../../src/engine/record/key-record.ts";
import type { Cluster } from "../cluster.ts";
import { leftoversIn } from "../leftovers.ts";
import type { SimNode } from "../node.ts";
import { changeCall, dequeueCall, settleCall } from "./calls.ts";
import type { FinalState } from "./checks.ts";
import type { SeenDelivery } from "./delivery.ts";
import type { QueueLedger } from "./ledger.ts";

const drainMsMax = 10 * 60_000;
/** Twice this is beyond the age at which pieces of messages that are gone are taken away. */
const sweepPauseMs = 13 * 3_600_000;

export class Aftermath {
  readonly #cluster: Cluster;
  readonly #queues: readonly string[];

  constructor(cluster: Cluster, queues: readonly string[]) {
    this.#cluster = cluster;
    this.#queues = queues;
  }

  async drain(): Promise<void> {
    const cluster = this.#cluster;
    const drains = this.#queues.flatMap((queue) =>
      cluster.nodes.map((node) => ({ run: () => this.#drainAt(node, queue) })),
    );
    await cluster.runAll(drains, drainMsMax);
    await cluster.pass(10_000);
    cluster.checkTimers();
  }

  /** What is dead, and what is still in the queues: that must only be what nobody was told of. */
  inventory(): FinalState {
    const { truth } = this.#cluster;
    const left = new Set<string>();
    for (const { name, bytes } of truth.objects(messagePrefix)) {
      left.add(partsOfName(name)?.rest ?? name);
      // Whoever died while enqueueing leaves what nobody was told about.
      if (decodeMessage(name, bytes).message.unlinked) continue;
      this.#cluster.violate("P11 progress", `${name} is never delivered`);
    }
    const letters = truth.objects(deadLetterPrefix);
    return { left, dead: new Set(letters.map(({ name }) => partsOfName(name)?.rest ?? name)) };
  }

  /** Puts every dead letter back, and sees that each comes out once. */
  async redriveAll(ledger: QueueLedger): Promise<void> {
    const { truth, wire } = this.#cluster;
    // How often each payload is still to be delivered.
    const expected = new Map<string, number>();
    for (const { name } of truth.objects(deadLetterPrefix)) {
      const payload = ledger.payloadOf(partsOfName(name)?.rest ?? "") ?? name;
      expected.set(payload, (expected.get(payload) ?? 0) + 1);
    }
    if (expected.size === 0) return;
    const from = wire.operations.length;
    const [node] = this.#cluster.nodes;
    await this.#cluster.runAll(
      this.#queues.map((queue) => ({ run: () => this.#redriveQueue(node, queue) })),
      drainMsMax,
    );
    await this.drain();
    for (const { verb, outcome } of wire.operations.slice(from)) {
      if (verb !== "dequeue" || outcome?.kind !== "ok") continue;
      for (const { payload } of outcome.answer as readonly SeenDelivery[]) {
        const count = expected.get(payload);
        if (count !== undefined) expected.set(payload, count - 1);
      }
    }
    for (const [payload, count] of expected) {
      if (count === 0) continue;
      const text = count > 0 ? `is missing ${count} times` : `came ${-count} times too often`;
      this.#cluster.violate("P08 redrive", `${payload} ${text}`);
    }
    for (const { name } of truth.objects(deadLetterPrefix)) {
      this.#cluster.violate("P08 redrive", `${name} is dead again`);
    }
  }

  /**
   * A day later, and two rounds more for those that were begun before (records and queues are swept
   * apart): no payload, state or lease without its message.
   */
  async leaveNothing(): Promise<void> {
    const cluster = this.#cluster;
    await cluster.sweepAll(5, sweepPauseMs);
    const objects = cluster.truth.objects("");
    for (const text of leftoversIn({ objects, streams: cluster.truth.streamNames("") })) {
      cluster.violate("P11 leftover", text);
    }
    for (const { name } of objects) {
      if (!name.startsWith(recordPrefix) || stateOwnerOf(name) === undefined) continue;
      cluster.violate("P11 leftover", `${name}: the state of a message that is gone`);
    }
  }

  async #redriveQueue(node: SimNode | undefined, queue: string): Promise<void> {
    if (node === undefined) return;
    for (let more = true; more; ) {
      const call = changeCall("redrive", queue, undefined);
      const outcome = await this.#cluster.wire.call(node, call, 60_000);
      if (outcome.kind !== "ok") {
        this.#cluster.violate("P08 redrive", `of all of ${queue}: ${JSON.stringify(outcome)}`);
        return;
      }
      more = (outcome.answer as DeadLetterChange).more;
    }
  }

  async #drainAt(node: SimNode, queue: string): Promise<void> {
    const ask = { waitSeconds: 30, pageSize: 5, visibilitySeconds: 10 };
    for (;;) {
      const outcome = await this.#cluster.wire.call(node, dequeueCall(queue, "drain", ask), 60_000);
      if (outcome.kind !== "ok") {
        if (outcome.kind === "failed" && outcome.code === "waiting") return;
        this.#cluster.violate("P11 progress", `draining ${queue}: ${JSON.stringify(outcome)}`);
        return;
      }
      for (const delivery of outcome.answer as readonly SeenDelivery[]) {
        await this.#cluster.wire.call(node, settleCall("ack", delivery, {}), 10_000);
      }
    }
  }
}
