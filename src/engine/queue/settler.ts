/** Ack, nack and extend: the pure transitions, and what happens to the state beside them. */
import type { AckResult, ExtendResult, NackResult } from "../../api/queues.ts";
import type { CheckedExtend, CheckedNack, CheckedSettle } from "./checked-queue.ts";
import { housekeeping } from "./deliver.ts";
import { isExhausted, isOutlived, type Message, type StoredMessage } from "./message.ts";
import { keep } from "./message-decision.ts";
import type { MessageAt } from "./message-shell.ts";
import type { StateClaim } from "./message-states.ts";
import type { QueueParts } from "./queue-parts.ts";
import { ack, extend, extensionSeconds, nack } from "./settle.ts";

export class Settler {
  readonly #parts: QueueParts;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  async ack(request: CheckedSettle): Promise<AckResult> {
    const { claim, stateEtag } = request;
    const gone = await this.#parts.messages.transact(
      claim,
      (current, nowMs) => ack(current, { claim, stateEtag }, nowMs),
      (message) => this.#eraseState(claim, message, request.stateLeaseId !== ""),
    );
    return { acked: true, correlationId: gone.correlationId };
  }

  async nack(request: CheckedNack): Promise<NackResult> {
    const { claim } = request;
    const state = stateClaim(request);
    let wasExplicit = false;
    const { message, etag } = await this.#parts.messages.transact(
      claim,
      (current, nowMs) => {
        wasExplicit = current?.message.lease?.explicit === true;
        return nack(current, request, nowMs);
      },
      async () => {
        if (state === undefined) return;
        // A nack rolls a transaction back; without one the work so far is kept for the next try.
        await this.#bestEffort(() =>
          this.#parts.states.end(claim, state, wasExplicit ? "discard" : "promote"),
        );
      },
    );
    // What will never be delivered again moves on at once; if that fails, the next look does it.
    if (this.#isDoomed(message)) await this.#bestEffort(() => this.cleanUp(claim));
    return { requeued: true, metaEtag: etag, correlationId: message.correlationId };
  }

  async extend(request: CheckedExtend): Promise<ExtendResult> {
    const { claim } = request;
    const state = stateClaim(request);
    // Every check comes before every write (12.3).
    if (state !== undefined) await this.#checkStateLease(request, state);
    const extended = await this.#parts.messages.transact(claim, (current, nowMs) =>
      extend(current, request, nowMs),
    );
    const { message, lease, etag } = extended;
    if (state !== undefined) await this.#parts.states.extend(claim, state, lease.expiresAtUnix);
    return {
      leaseExpiresAtUnix: lease.expiresAtUnix,
      visibilityTimeoutSeconds: extensionSeconds(message, request.extendBySeconds),
      metaEtag: etag,
      stateLeaseExpiresAtUnix: state === undefined ? undefined : lease.expiresAtUnix,
      correlationId: message.correlationId,
    };
  }

  /**
   * Deletes or buries a message that nobody holds and that must not be delivered any more. One that
   * waits for its turn in a group stays until then, because its successor waits for it; answered
   * is the id of the one it waits for.
   */
  async cleanUp(at: MessageAt): Promise<string | undefined> {
    const known = await this.#parts.messages.look(at);
    if (known === undefined || !this.#isDoomed(known.message)) return undefined;
    if (known.message.previous !== undefined) {
      const gate = await this.#parts.links.gate(at, known.message);
      if (gate.kind === "behind") return gate.messageId;
      if (gate.kind !== "open") return undefined;
    }
    await this.#parts.messages.transact(
      at,
      (current, nowMs) =>
        (current === undefined
          ? undefined
          : housekeeping<StoredMessage | undefined>(current.message, nowMs, current)) ??
        keep<StoredMessage | undefined>(undefined),
      async (cleaned) => {
        if (cleaned === undefined) return;
        // Outlived: gone with its state. Buried: the state stays with the dead letter.
        const { message } = cleaned;
        const nowMs = this.#parts.options.clock.wallMs();
        const outlived = message.expiresAtMs !== undefined && message.expiresAtMs <= nowMs;
        if (outlived) await this.#eraseState(at, message, false);
      },
    );
    return undefined;
  }

  #isDoomed(message: Message): boolean {
    return isExhausted(message) || isOutlived(message, this.#parts.options.clock.wallMs());
  }

  async #eraseState(at: MessageAt, message: Message, isStateful: boolean): Promise<void> {
    if (message.stateEtag === undefined && !isStateful) return;
    await this.#bestEffort(() => this.#parts.states.erase(at));
  }

  async #checkStateLease(request: CheckedExtend, state: StateClaim): Promise<void> {
    const { claim } = request;
    // The message's own checks come first, without writing.
    await this.#parts.messages.transact(claim, (current, nowMs) => {
      const decision = extend(current, request, nowMs);
      return decision.kind === "refuse" ? decision : keep(undefined);
    });
    const error = await this.#parts.states.extendError(claim, state);
    if (error !== undefined) throw error;
  }

  /** What belongs to a settled message but does not decide about it; the sweeper does the rest. */
  async #bestEffort(call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#parts.options.telemetry.debug("queue.core", "queue.cleanup_failed", {
        error: String(error),
      });
    }
  }
}

function stateClaim(request: CheckedSettle): StateClaim | undefined {
  const { stateLeaseId: leaseId, stateFencingToken: fencingToken } = request;
  return leaseId === "" ? undefined : { leaseId, fencingToken };
}
