/** Dequeue: candidates become deliveries, one consumer each (http-queue.md sections 4 and 5). */
import { failure, LockdError } from "../../api/errors.ts";
import type { LockdCall } from "../../api/lockd.ts";
import { messageKeyOf, stateKeyOf } from "../../api/message-keys.ts";
import type { DeliveredState, Delivery } from "../../api/queues.ts";
import {
  candidateRetryMs,
  candidatesPerTurnMax,
  deliveryFailuresMax,
  deliveryOvertimeMsMax,
  fillMsMax,
  fillMsPerMessage,
  missingPayloadHideMs,
} from "../limits.ts";
import type { Lease } from "../record/key-record.ts";
import type { CheckedDequeue } from "./checked-queue.ts";
import type { Patience } from "./consumer-line.ts";
import { type Delivered, type DeliveryTerms, deliver } from "./deliver.ts";
import { describeMessage, isLeaseOver } from "./fence.ts";
import type { LiveQueue } from "./live-queue.ts";
import type { MessageAt } from "./message-shell.ts";
import { type Obstacle, Preparation } from "./preparation.ts";
import type { QueueParts } from "./queue-parts.ts";
import { giveBack } from "./settle.ts";

/** A candidate on its way to a consumer. */
interface Giving {
  readonly at: MessageAt;
  readonly preparation: Preparation;
  /** Its transaction may not lose it. */
  readonly isBound: boolean;
}

export class Dequeuer {
  readonly #parts: QueueParts;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** At least one delivery. @throws waiting, queue_busy, shutdown_draining */
  async dequeue(request: CheckedDequeue, call: LockdCall): Promise<readonly Delivery[]> {
    this.#parts.refuseWhenDraining();
    return this.#parts.directory.withConsumer(request, async (queue) => {
      const page = await this.#takeReady(queue, request, request.pageSize);
      const patience = patienceOf(request, call);
      // What was ready goes to whoever still listens; what was waited for only to who is all there.
      const given = page.length === 0 ? patience.signal : call.signal;
      if (page.length === 0) {
        const first = await this.take(queue, request, patience);
        if (first === undefined) throw nothingWithin(request);
        page.push(first);
      }
      await this.#fill(queue, request, { page, signal: patience.signal });
      if (given?.aborted === true) {
        await Promise.all(page.map((delivery) => this.giveBack(delivery)));
        throw given.reason;
      }
      return page;
    });
  }

  /**
   * One delivery, or undefined when there is none within the consumer's patience.
   * @throws the reason of an aborted signal, shutdown_draining
   */
  async take(
    queue: LiveQueue,
    request: CheckedDequeue,
    patience: Patience,
  ): Promise<Delivery | undefined> {
    const { clock } = this.#parts.options;
    const turn = { ticket: queue.line.ticket(), hasLooked: false };
    const until = patience.waitMs === undefined ? undefined : clock.monotonicMs() + patience.waitMs;
    for (let failures = 0, looked = 0; failures < deliveryFailuresMax; looked += 1) {
      // Those who only meet what others have taken let these others go on.
      if (looked % candidatesPerTurnMax === candidatesPerTurnMax - 1) await this.#pause();
      const leftMs = until === undefined ? undefined : until - clock.monotonicMs();
      if (leftMs !== undefined && leftMs < -deliveryOvertimeMsMax) return undefined;
      const waitMs = leftMs === undefined ? undefined : Math.max(0, leftMs);
      const candidate = await this.#candidate(queue, turn, { ...patience, waitMs });
      if (candidate === undefined) return undefined;
      if (patience.signal?.aborted === true) {
        queue.putBack(candidate, 0);
        throw patience.signal.reason;
      }
      const delivery = await this.#deliverOr(queue, candidate, request);
      if (delivery === "failed") failures += 1;
      else if (delivery !== undefined) return this.#unlessGone(delivery, patience);
    }
    return undefined;
  }

  /** Up to `count` deliveries: all that are ready, else the first that comes. @throws as take */
  async takeSome(
    queue: LiveQueue,
    request: CheckedDequeue,
    { count, ...patience }: Patience & { readonly count: number },
  ): Promise<readonly Delivery[]> {
    const ready = count > 1 ? await this.#takeReady(queue, request, count) : [];
    if (ready.length > 0) return ready;
    const one = await this.take(queue, request, patience);
    return one === undefined ? [] : [one];
  }

  /** Makes a delivery ready again that its consumer got nothing of. */
  async giveBack(delivery: Delivery): Promise<void> {
    if (!(delivery.payload instanceof Uint8Array)) await delivery.payload.close();
    const at = addressOf(delivery);
    await this.#parts.messages.transact(
      at,
      (current, nowMs) => giveBack(current, delivery.leaseId, nowMs),
      async (wasOurs) => {
        const { state } = delivery;
        if (wasOurs && state !== undefined) await this.#parts.states.withdraw(at, state.leaseId);
      },
    );
  }

  async #unlessGone(delivery: Delivery, { signal }: Patience): Promise<Delivery> {
    if (signal?.aborted !== true) return delivery;
    await this.giveBack(delivery);
    throw signal.reason;
  }

  /** Up to `count` deliveries of what is known to be ready, all at once. */
  async #takeReady(queue: LiveQueue, request: CheckedDequeue, count: number): Promise<Delivery[]> {
    if (!queue.isComplete) await queue.load();
    const candidates: string[] = [];
    while (candidates.length < count) {
      const candidate = queue.next();
      if (candidate === undefined) break;
      candidates.push(candidate);
    }
    const tried = await Promise.all(
      candidates.map((candidate) => this.#deliverOr(queue, candidate, request)),
    );
    return tried.filter((one) => one !== undefined && one !== "failed");
  }

  /** Adds to a page what comes within a short while; never fails, the page counts. */
  async #fill(
    queue: LiveQueue,
    request: CheckedDequeue,
    { page, signal }: { page: Delivery[]; signal: AbortSignal | undefined },
  ): Promise<void> {
    const missing = request.pageSize - page.length;
    if (missing <= 0) return;
    page.push(...(await this.#takeReady(queue, request, missing)));
    if (request.waitSeconds === 0) return;
    const { clock } = this.#parts.options;
    const budgetMs = Math.min(fillMsPerMessage * Math.min(request.pageSize, 8), fillMsMax);
    const until = clock.monotonicMs() + budgetMs;
    while (page.length < request.pageSize && clock.monotonicMs() < until) {
      const waitMs = until - clock.monotonicMs();
      const next = await this.take(queue, request, { waitMs, signal }).catch(() => undefined);
      if (next === undefined) return;
      page.push(next);
    }
  }

  async #candidate(
    queue: LiveQueue,
    turn: { readonly ticket: number; hasLooked: boolean },
    patience: Patience,
  ): Promise<string | undefined> {
    if (!queue.isComplete) await queue.load();
    const known = queue.next();
    if (known !== undefined) return known;
    // Once: who comes back from a candidate that was none waits for news like everybody else.
    if (!queue.isComplete && !turn.hasLooked) {
      turn.hasLooked = true;
      await queue.look();
      const found = queue.next();
      if (found !== undefined) return found;
    }
    if (patience.waitMs === 0) return undefined;
    this.#parts.refuseWhenDraining();
    const waiting = queue.line.wait(turn.ticket, patience);
    queue.serve();
    return waiting;
  }

  /** The delivery; undefined when the candidate was none; "failed" when the store failed. */
  async #deliverOr(
    queue: LiveQueue,
    messageId: string,
    request: CheckedDequeue,
  ): Promise<Delivery | undefined | "failed"> {
    const { clock, telemetry } = this.#parts.options;
    try {
      return await this.#deliver(queue, messageId, request);
    } catch (error) {
      const isDamaged = error instanceof LockdError && error.code === "store_corrupt";
      const hideMs = isDamaged ? missingPayloadHideMs : candidateRetryMs;
      queue.holdBack(messageId, clock.wallMs() + hideMs);
      if (!(error instanceof LockdError) || error.code === "txn_conflict") throw error;
      // Nothing else is delivered in a transaction that may hold what nobody was given.
      if (error.outcomeUnknown && request.txnId !== "") throw error;
      telemetry.debug("queue.dispatcher.core", "queue.delivery_failed", {
        queue: queue.target.queue,
        code: error.code,
      });
      return "failed";
    }
  }

  async #deliver(
    queue: LiveQueue,
    messageId: string,
    request: CheckedDequeue,
  ): Promise<Delivery | undefined> {
    const at: MessageAt = { ...queue.target, messageId };
    const terms = this.#termsOf(request);
    const preparation = new Preparation(this.#parts, at, request.withState);
    const isPrepared = preparation.covers.bind(preparation);
    try {
      for (let attempt = 0; attempt < candidatesPerTurnMax; attempt += 1) {
        const result = await this.#parts.messages.transact(at, (current, nowMs) =>
          deliver(current, { terms, isPrepared }, nowMs),
        );
        if (result.kind === "delivered") {
          const isBound = request.txnBound;
          return this.#handOver({ at, preparation, isBound }, result);
        }
        const obstacle =
          result.kind === "unprepared" ? await preparation.prepare(result.message, terms) : result;
        if (obstacle === undefined) continue;
        await preparation.drop();
        this.#stepAside(queue, messageId, obstacle);
        return undefined;
      }
    } catch (error) {
      await preparation.drop();
      throw error;
    }
    await preparation.drop();
    queue.holdBack(messageId, this.#parts.options.clock.wallMs() + candidateRetryMs);
    return undefined;
  }

  #stepAside(queue: LiveQueue, messageId: string, obstacle: Obstacle): void {
    switch (obstacle.kind) {
      case "gone":
        queue.forget(messageId);
        break;
      case "unfinished":
        queue.setAside(messageId);
        break;
      case "behind":
        queue.giveWay(messageId, obstacle.messageId);
        break;
      case "held":
        queue.holdBack(messageId, obstacle.untilMs);
        break;
      default:
        queue.putBack(messageId, obstacle.untilMs);
    }
  }

  /** A delivery whose lease ran out while it was being written is none. */
  async #handOver(
    giving: Giving,
    delivered: Extract<Delivered, { kind: "delivered" }>,
  ): Promise<Delivery | undefined> {
    const { at, preparation } = giving;
    if (isLeaseOver(delivered.message, this.#parts.options.clock.wallMs())) {
      await preparation.drop();
      return undefined;
    }
    await this.#enlist(giving, delivered);
    return deliveryOf(at, delivered, preparation);
  }

  /** An explicit delivery takes part in its transaction, or is none (section 13.1). */
  async #enlist(
    { at, preparation, isBound }: Giving,
    { lease }: Extract<Delivered, { kind: "delivered" }>,
  ): Promise<void> {
    if (!lease.explicit) return;
    const { namespace } = at;
    const { stateLease } = preparation;
    const { txnId, expiresAtUnix } = lease;
    const participants = [{ namespace, key: messageKeyOf(at) }];
    if (stateLease !== undefined) {
      participants.push({ namespace, key: stateKeyOf(at) });
    }
    try {
      await this.#parts.transactions.enlist(txnId, participants, {
        expiresAtUnix,
        ...(isBound ? { sends: true as const } : {}),
      });
    } catch (error) {
      await this.#parts.messages
        .transact(at, (current, nowMs) => giveBack(current, lease.id, nowMs))
        .catch((cause: unknown) => {
          throw this.#unheard(at, txnId, cause);
        });
      throw error;
    }
  }

  /** It may be in the transaction's hands: whoever goes on and commits settles it unseen. */
  #unheard(at: MessageAt, txnId: string, cause: unknown): LockdError {
    const detail = `${describeMessage(at)} may be in transaction ${txnId}, unread; roll that back`;
    return failure("store_unavailable", detail, { outcomeUnknown: true, cause });
  }

  #termsOf(request: CheckedDequeue): DeliveryTerms {
    const { random, defaultTtlSeconds, maxTtlSeconds } = this.#parts.options;
    return {
      leaseId: random.xid(),
      owner: request.owner,
      txnId: request.txnId === "" ? random.xid() : request.txnId,
      explicit: request.txnId !== "",
      visibilitySeconds: request.visibilitySeconds,
      defaultTtlSeconds,
      maxTtlSeconds,
      stateEtag: request.withState ? random.xid() : undefined,
    };
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.options.clock.schedule(candidateRetryMs, resolve);
    });
  }
}

/** How long a consumer waits, as it asked. */
export function patienceOf(request: CheckedDequeue, call: LockdCall): Patience {
  const { waitSeconds } = request;
  return {
    waitMs: waitSeconds === undefined ? undefined : waitSeconds * 1000,
    signal: call.waitSignal ?? call.signal,
  };
}

/** The error of a wait that brought nothing (section 5.2). */
export function nothingWithin(request: CheckedDequeue): LockdError {
  const { namespace, queue, waitSeconds } = request;
  const detail = `nothing to deliver in ${namespace}/${queue}`;
  if (waitSeconds === 0) return failure("waiting", detail);
  return failure("waiting", detail, { retryAfterMs: (waitSeconds ?? 1) * 1000 });
}

function addressOf({ namespace, queue, messageId }: Delivery): MessageAt {
  return { namespace, queue, messageId } as MessageAt;
}

function stateOf(lease: Lease | undefined, etag: string | undefined): DeliveredState | undefined {
  if (lease === undefined) return undefined;
  return {
    etag: etag ?? "",
    leaseId: lease.id,
    leaseExpiresAtUnix: lease.expiresAtUnix,
    fencingToken: lease.fencingToken,
    txnId: lease.txnId,
  };
}

function deliveryOf(
  at: MessageAt,
  { message, lease, etag }: Extract<Delivered, { kind: "delivered" }>,
  preparation: Preparation,
): Delivery {
  const { payload } = message;
  return {
    namespace: at.namespace,
    queue: at.queue,
    messageId: at.messageId,
    attempts: message.attempts,
    maxAttempts: message.maxAttempts,
    failureAttempts: message.failureAttempts,
    notVisibleUntilUnix: lease.expiresAtUnix,
    visibilityTimeoutSeconds: message.visibilitySeconds,
    attributes: message.attributes ?? {},
    payloadContentType: payload.contentType,
    payloadBytes: payload.size,
    correlationId: message.correlationId,
    leaseId: lease.id,
    leaseExpiresAtUnix: lease.expiresAtUnix,
    fencingToken: lease.fencingToken,
    txnId: lease.txnId,
    metaEtag: etag,
    state: stateOf(preparation.stateLease, message.stateEtag),
    payload:
      payload.place.kind === "inline"
        ? payload.place.bytes
        : (preparation.payload?.body ?? new Uint8Array(0)),
  };
}
