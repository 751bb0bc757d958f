/** Ack, nack and extend: the pure transitions, and what happens to the state beside them. */
import { messageKeyOf, stateKeyOf } from "../../api/message-keys.ts";
import type { AckResult, ExtendResult, NackResult } from "../../api/queues.ts";
import { instantMsMax } from "../limits.ts";
import type { CheckedExtend, CheckedNack, CheckedSettle } from "./checked-queue.ts";
import { housekeeping } from "./deliver.ts";
import { isLeased } from "./fence.ts";
import type { Gate } from "./links.ts";
import {
  isExhausted,
  isOutlived,
  type Message,
  type MessageLease,
  type StoredMessage,
} from "./message.ts";
import { keep, type MessageDecision, put } from "./message-decision.ts";
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
    let joint: MessageLease | undefined;
    const gone = await this.#parts.messages.transact<Message>(
      claim,
      (current, nowMs) => {
        const decision = ack(current, { claim, stateEtag }, nowMs);
        joint = decision.kind === "refuse" ? undefined : jointLease(current);
        return joint === undefined || current === undefined ? decision : keep(current.message);
      },
      async (message) => {
        if (joint !== undefined) return;
        await this.#eraseState(claim, message, request.stateLeaseId !== "");
      },
    );
    if (joint !== undefined) await this.#decide(request, joint, "commit");
    return { acked: true, correlationId: gone.correlationId };
  }

  /** The delivery settles its whole transaction; the message follows with the others (13.2). */
  #decide(
    { claim, stateLeaseId }: CheckedSettle,
    { txnId, expiresAtUnix }: MessageLease,
    outcome: "commit" | "rollback",
  ): Promise<void> {
    const { namespace } = claim;
    const participants = [{ namespace, key: messageKeyOf(claim) }];
    if (stateLeaseId !== "") {
      participants.push({ namespace, key: stateKeyOf(claim) });
    }
    const { transactions } = this.#parts;
    return transactions.settleDelivery(txnId, outcome, { participants, expiresAtUnix });
  }

  /** What the caller says about a message that was put back, unless it was delivered again. */
  async #nackJointly(request: CheckedNack, lease: MessageLease): Promise<NackResult> {
    const { claim } = request;
    await this.#decide(request, lease, "rollback");
    const { etag, message } = await this.#parts.messages.transact<Partial<StoredMessage>>(
      claim,
      (current, nowMs) => afterRollback(current, request, nowMs),
    );
    if (message !== undefined && this.#isDoomed(message)) {
      await this.#bestEffort(() => this.cleanUp(claim));
    }
    const correlationId = message?.correlationId ?? "";
    return { requeued: true, metaEtag: etag ?? "", correlationId };
  }

  async nack(request: CheckedNack): Promise<NackResult> {
    const { claim } = request;
    const state = stateClaim(request);
    let joint: MessageLease | undefined;
    const { message, etag } = await this.#parts.messages.transact<StoredMessage>(
      claim,
      (current, nowMs) => {
        const decision = nack(current, request, nowMs);
        joint = decision.kind === "refuse" ? undefined : jointLease(current);
        return joint === undefined || current === undefined ? decision : keep(current);
      },
      async () => {
        if (state === undefined || joint !== undefined) return;
        // Without a transaction the work so far is kept for the next try.
        await this.#bestEffort(() => this.#parts.states.end(claim, state, "promote"));
      },
    );
    if (joint !== undefined) return this.#nackJointly(request, joint);
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
    if (lease.explicit) {
      const participants = [{ namespace: claim.namespace, key: messageKeyOf(claim) }];
      // The longer lease stands whatever becomes of the transaction.
      await this.#bestEffort(() =>
        this.#parts.transactions.enlist(lease.txnId, participants, lease),
      );
    }
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
   * waits for its turn in a group stays until then, because its successor waits for it; so does one
   * that is not completely enqueued. Answered is what stands in the way, or that it is gone.
   */
  async cleanUp(at: MessageAt): Promise<Gate | undefined> {
    const known = await this.#parts.messages.look(at);
    const nowMs = this.#parts.options.clock.wallMs();
    if (known === undefined) return this.#certainlyGone(at);
    if (!this.#isDoomed(known.message)) return undefined;
    if (isLeased(known.message, nowMs)) return undefined;
    const { lease } = known.message;
    // A transaction may have committed it: then it is neither outlived nor dead.
    if (lease?.explicit === true) await this.#parts.transactions.finishLapsed(lease.txnId);
    if (known.message.previous !== undefined) {
      const gate = await this.#parts.links.gate(at, known.message);
      if (gate.kind !== "open") return gate;
    }
    await this.#parts.messages.transact<Message | undefined>(
      at,
      (current, nowMs) => {
        if (current === undefined) return keep(undefined);
        const { message } = current;
        // Outlived: gone with its state. Buried: the state stays with the dead letter.
        const outlived = isOutlived(message, nowMs) ? message : undefined;
        return housekeeping(message, nowMs, outlived) ?? keep(undefined);
      },
      async (outlived) => {
        if (outlived !== undefined) await this.#eraseState(at, outlived, false);
      },
    );
    return undefined;
  }

  /**
   * Asked when it is nobody else's turn: who is just bringing it back tells so afterwards. In the
   * store, because the late answer of its producer may have it remembered after it was settled.
   */
  async #certainlyGone(at: MessageAt): Promise<Gate | undefined> {
    const { messages } = this.#parts;
    const stored = await messages.alone(at, () => messages.look(at));
    return stored === undefined ? { kind: "gone" } : undefined;
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

/** The lease of a delivery that is settled by the decision of its transaction. */
function jointLease(current: StoredMessage | undefined): MessageLease | undefined {
  const lease = current?.message.lease;
  return lease?.explicit === true ? lease : undefined;
}

/** H18: nothing is written about a message that somebody holds again. */
function afterRollback(
  current: StoredMessage | undefined,
  { intent, lastError, delayMs }: CheckedNack,
  nowMs: number,
): MessageDecision<Partial<StoredMessage>> {
  if (current === undefined) return keep({});
  const { message } = current;
  if (message.lease !== undefined) return keep(current);
  const failed = intent === "failure";
  const next: Message = {
    ...message,
    failureAttempts: message.failureAttempts + (failed ? 1 : 0),
    lastError: failed ? lastError : undefined,
    notVisibleUntilMs:
      delayMs > 0 ? Math.min(nowMs + delayMs, instantMsMax) : message.notVisibleUntilMs,
  };
  return put<Partial<StoredMessage>>(next, (etag) => ({ message: next, etag }));
}

function stateClaim(request: CheckedSettle): StateClaim | undefined {
  const { stateLeaseId: leaseId, stateFencingToken: fencingToken } = request;
  return leaseId === "" ? undefined : { leaseId, fencingToken };
}
