import type {
  DamagedLetter,
  DeadLetterChange,
  DeadLetterSelection,
  MessageAddress,
  QueueAddress,
} from "../../api/queues.ts";
import { callOptions } from "../call-options.ts";
import type { CarrierCall } from "../carrier-call.ts";
import { ReadOnceBody } from "../once-body.ts";
import type { Call, OnceBody } from "../types.ts";
import { damagedLetters } from "./damaged-letters.ts";
import type { QueueHost } from "./queue-host.ts";
import type {
  DeadLetter,
  DeadLetterChoice,
  MessageIds,
  QueueAdmin,
  QueueSummary,
} from "./queue-types.ts";
import * as received from "./received.ts";
import { secondsOf } from "./wait-terms.ts";

type InNamespace = Call<{ namespace?: string | undefined }>;

/** Whole queues, dead letters, and deliveries known only by their ids. */
export class QueueAdministration implements QueueAdmin {
  readonly #host: QueueHost;

  constructor(host: QueueHost) {
    this.#host = host;
  }

  async *list(o?: InNamespace): AsyncGenerator<QueueSummary> {
    const { queues } = this.#host.lockd;
    const { namespace } = callOptions(o);
    let cursor: string | undefined;
    do {
      const page = await queues.list({ namespace, cursor }, this.#host.carrierCall(o));
      yield* page.queues.map(received.summary);
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async *deadLetters(queue: string, o?: InNamespace): AsyncGenerator<DeadLetter> {
    const { queues } = this.#host.lockd;
    const address = this.#address(queue, o);
    const damaged: DamagedLetter[] = [];
    let cursor: string | undefined;
    do {
      const page = await queues.deadLetters({ ...address, cursor }, this.#host.carrierCall(o));
      yield* page.letters.map(received.deadLetter);
      damaged.push(...page.damaged);
      cursor = page.cursor;
    } while (cursor !== undefined);
    throwIfAny(queue, damaged);
  }

  async deadLetter(
    queue: string,
    messageId: string,
    ...[o]: [InNamespace?]
  ): Promise<DeadLetter & { readonly payload: OnceBody }> {
    const request = { ...this.#address(queue, o), messageId };
    const { letter, payload } = await this.#host.lockd.queues.deadLetter(
      request,
      this.#host.carrierCall(o),
    );
    return {
      ...received.deadLetter(letter),
      payload: new ReadOnceBody(payload, letter.payloadBytes),
    };
  }

  async redrive(queue: string, choice: DeadLetterChoice, ...[o]: [InNamespace?]): Promise<number> {
    const { queues } = this.#host.lockd;
    const selection = { ...this.#address(queue, o), ...choice };
    return await this.#untilDone(selection, o, (some, call) => queues.redrive(some, call));
  }

  async purge(queue: string, choice: DeadLetterChoice, ...[o]: [InNamespace?]): Promise<number> {
    const { queues } = this.#host.lockd;
    const selection = { ...this.#address(queue, o), ...choice };
    return await this.#untilDone(selection, o, (some, call) => queues.purge(some, call));
  }

  async ack(ids: MessageIds, o?: Call<{ stateEtag?: string | undefined }>): Promise<void> {
    const { stateEtag } = callOptions(o);
    const request = { ...this.#message(ids), stateEtag };
    await this.#host.lockd.queues.ack(request, this.#host.carrierCall(o));
  }

  async nack(
    ids: MessageIds,
    o?: Call<{
      delayMs?: number | undefined;
      error?: unknown;
      intent?: "failure" | "defer" | undefined;
    }>,
  ): Promise<{ metaEtag: string }> {
    const { delayMs, error: lastError, intent } = callOptions(o);
    const delaySeconds = secondsOf("delayMs", delayMs);
    const request = { ...this.#message(ids), delaySeconds, lastError, intent };
    const result = await this.#host.lockd.queues.nack(request, this.#host.carrierCall(o));
    return { metaEtag: result.metaEtag };
  }

  async extend(
    ids: MessageIds,
    o?: Call<{ byMs?: number | undefined }>,
  ): Promise<{ leaseExpiresAt: Date; visibilityMs: number; metaEtag: string }> {
    const extendBySeconds = secondsOf("byMs", callOptions(o).byMs);
    const request = { ...this.#message(ids), extendBySeconds };
    const result = await this.#host.lockd.queues.extend(request, this.#host.carrierCall(o));
    return {
      leaseExpiresAt: new Date(result.leaseExpiresAtUnix * 1_000),
      visibilityMs: result.visibilityTimeoutSeconds * 1_000,
      metaEtag: result.metaEtag,
    };
  }

  async #untilDone(
    selection: DeadLetterSelection,
    o: InNamespace | undefined,
    ...[change]: [(some: DeadLetterSelection, call: CarrierCall) => Promise<DeadLetterChange>]
  ): Promise<number> {
    const damaged: DamagedLetter[] = [];
    let changed = 0;
    let cursor: string | undefined;
    for (;;) {
      const step = await change({ ...selection, cursor }, this.#host.carrierCall(o));
      changed += step.changed;
      damaged.push(...step.damaged);
      cursor = step.cursor;
      // A server of before gives no cursor; without any change it would keep us here for ever.
      if (!step.more || (cursor === undefined && step.changed === 0)) break;
    }
    throwIfAny(selection.queue, damaged);
    return changed;
  }

  #address(queue: string, o: InNamespace | undefined): QueueAddress {
    return { namespace: callOptions(o).namespace ?? this.#host.namespace, queue };
  }

  #message(ids: MessageIds): MessageAddress {
    const { queue, messageId, leaseId, fencingToken, txnId, metaEtag } = ids;
    const namespace = ids.namespace ?? this.#host.namespace;
    const { stateLeaseId, stateFencingToken } = ids;
    return {
      ...{ namespace, queue, messageId, leaseId, fencingToken, txnId, metaEtag },
      ...{ stateLeaseId, stateFencingToken },
    };
  }
}

/** All that could be read was dealt with. @throws store_corrupt */
function throwIfAny(queue: string | undefined, damaged: readonly DamagedLetter[]): void {
  const error = damagedLetters(queue ?? "", damaged);
  if (error !== undefined) throw error;
}
