/**
 * Decides transactions and sees them through on this island (transactions-and-islands.md sections
 * 5, 6, 7 and 9.3). The record is what decides: nothing is applied before its state is durable.
 *
 * The short way, on stores with atomic plans: when all participants are keys of this island, the
 * decision, its effect on every key, the marker and the end of the record are one write. Its last
 * step holds only while the record is as it was read, so that nobody can have decided otherwise,
 * and a write of unknown outcome can never land after somebody else went on.
 */
import { failure, type LockdError } from "../../api/errors.ts";
import {
  casAttemptsMax,
  jointWriteAttemptsMax,
  unknownOutcomeReadDelayMs,
  unknownOutcomeReadsMax,
} from "../limits.ts";
import { planStepsMax } from "../ports/store.ts";
import type { Applier } from "./applier.ts";
import { namesOf } from "./applier.ts";
import { applyToKey } from "./apply-to-key.ts";
import { type DecisionRequest, decideTxn, type TxnVerdict } from "./decide-txn.ts";
import type { Finisher } from "./finisher.ts";
import { markerOf } from "./marker.ts";
import type { Decided } from "./participant-kind.ts";
import type { TxnTurn } from "./txn-log.ts";
import { isLocal, type TxnParts, timesOf } from "./txn-parts.ts";
import {
  type DecidedRecord,
  isDecided,
  mergedParticipants,
  type Participant,
  type TxnRecord,
} from "./txn-record.ts";

export interface SettleOptions {
  /** Participants that went on without the transaction count as done (section 8.4). */
  readonly isTolerant?: boolean;
  /** Only this island's part: participants elsewhere are somebody else's business. */
  readonly localOnly?: boolean;
}

export interface Settled {
  /** What is recorded. */
  readonly state: TxnRecord["state"];
  /** Why not every participant has applied it, if so; the decision stands. */
  readonly error: unknown;
}

export class Coordinator {
  readonly #parts: TxnParts;
  readonly #applier: Applier;
  readonly #finisher: Finisher;

  constructor(parts: TxnParts, applier: Applier, finisher: Finisher) {
    this.#parts = parts;
    this.#applier = applier;
    this.#finisher = finisher;
  }

  /**
   * Records the request and carries a decision out; answers what is recorded.
   * @throws txn_conflict, term errors, the first error of an apply, txn_fanout_failed
   */
  async decide(request: DecisionRequest, options: SettleOptions = {}): Promise<TxnRecord["state"]> {
    const { state, error } = await this.settle(request, options);
    if (error !== undefined) throw error;
    return state;
  }

  /** As `decide`, but tells what could not be applied instead of throwing it. */
  settle(asked: DecisionRequest, options: SettleOptions = {}): Promise<Settled> {
    const { log, meter } = this.#parts;
    return meter.time("decide", asked.txnId, () =>
      log.exclusively(asked.txnId, async (turn) => {
        const request = await this.#unlessLost(turn, asked);
        const quick = await this.#inOneWrite(turn, request);
        if (quick.done !== undefined) return { state: quick.done, error: undefined };
        const decision = await this.#record(turn, request, quick.isOpen);
        return this.#carryOut(request, decision, options);
      }),
    );
  }

  /**
   * Where messages wait for the transaction, a commit that has lost a delivery is a rollback: what
   * was made of a message must not appear beside what its next consumer makes of it.
   */
  async #unlessLost(turn: TxnTurn, request: DecisionRequest): Promise<DecisionRequest> {
    if (request.state !== "commit" || request.only !== undefined) return request;
    const record = await turn.record();
    if (record?.sends !== true || isDecided(record)) return request;
    const lost = await this.#applier.firstLost(record);
    if (lost === undefined) return request;
    const { namespace, key } = lost;
    this.#parts.meter.warn("txn.delivery.lost", { txn_id: record.txnId, namespace, key });
    return { ...request, state: "rollback" };
  }

  /** Carries out what is decided already, if it still is there to be carried out. */
  carryOn({ txnId, state, tcTerm }: DecidedRecord, options: SettleOptions): Promise<Settled> {
    const request = { txnId, state, participants: [], expiresAtUnix: 0, tcTerm };
    return this.settle({ ...request, only: "decided" }, options);
  }

  /** Rolls a pending transaction back whose deadline has passed, if it still has. */
  expire({ txnId, tcTerm }: Pick<TxnRecord, "txnId" | "tcTerm">): Promise<Settled> {
    const request = { txnId, participants: [], expiresAtUnix: 0, tcTerm };
    return this.settle({ ...request, state: "rollback", only: "expired" }, { isTolerant: true });
  }

  /** The short way. `isOpen`: such a write may have landed. */
  async #inOneWrite(
    turn: TxnTurn,
    request: DecisionRequest,
  ): Promise<{ readonly done?: TxnRecord["state"]; readonly isOpen: boolean }> {
    const { shell, options } = this.#parts;
    if (request.state === "pending" || !options.store.capabilities.atomicPlan) {
      return { isOpen: false };
    }
    for (let attempt = 0; attempt < jointWriteAttemptsMax; attempt += 1) {
      const record = await turn.record();
      const times = timesOf(this.#parts);
      const decided = record === undefined ? undefined : decidedBy(record, request, times);
      if (decided === undefined || !this.#isShort(decided)) return { isOpen: false };
      const { kind } = await shell.changeTogether(
        namesOf(decided.participants.filter(({ applied }) => !applied)),
        (key, nowUnix) => applyToKey(key, decided, nowUnix),
        turn.finishSteps(markerOf(decided, times)),
      );
      turn.settle(kind, undefined);
      if (kind === "unknown") return { isOpen: true };
      if (kind === "applied") {
        if (record?.state === "pending") this.#noteDecision(decided);
        this.#parts.meter.count("apply.applied", decided.participants.length);
        return { done: decided.state, isOpen: false };
      }
    }
    return { isOpen: false };
  }

  /** True when everything is on this island, about keys, and fits into one plan. */
  #isShort({ participants, tcTerm }: DecidedRecord): boolean {
    if (tcTerm !== 0 || participants.length + 2 > planStepsMax) return false;
    return participants.every((one) => isLocal(this.#parts, one) && this.#applier.isKey(one));
  }

  /** Makes the decision durable, whatever it takes to find out that it is. */
  async #record(turn: TxnTurn, request: DecisionRequest, wasOpen: boolean): Promise<TxnVerdict> {
    let isOpen = wasOpen;
    let unknowns = 0;
    for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
      const decision = await this.#decision(turn, request, isOpen);
      if (decision.kind !== "recorded" || !decision.changed) return decision;
      const written = await turn.put(decision.record);
      if (written === "applied") {
        if (isDecided(decision.record)) this.#noteDecision(decision.record);
        return decision;
      }
      if (written !== "unknown") continue;
      isOpen = true;
      unknowns += 1;
      if (unknowns > unknownOutcomeReadsMax) break;
      await this.#pause(unknownOutcomeReadDelayMs * 2 ** (unknowns - 1));
    }
    if (isOpen) throw this.#unknown(request.txnId, undefined);
    const won = `other writers won ${casAttemptsMax} times in a row`;
    throw failure("cas_mismatch", `transaction ${request.txnId}: ${won}`);
  }

  async #decision(turn: TxnTurn, request: DecisionRequest, isOpen: boolean): Promise<TxnVerdict> {
    const view = await turn.view().catch((error: unknown) => {
      throw isOpen ? this.#unknown(request.txnId, error) : error;
    });
    const decision = decideTxn(view, request, timesOf(this.#parts));
    if (decision.kind === "refuse") throw decision.error;
    return decision;
  }

  async #carryOut(
    request: DecisionRequest,
    decision: TxnVerdict,
    options: SettleOptions,
  ): Promise<Settled> {
    if (decision.kind === "gone") return { state: request.state, error: undefined };
    if (decision.kind === "remembered") {
      const { state, again, decidedAtMs } = decision;
      const decided = { txnId: request.txnId, state, decidedAtMs };
      const error = await this.#applyAgain(decided, again, options);
      return { state, error };
    }
    const { record } = decision;
    // Who wants to join is only told; carrying out is for those who decide.
    if (!isDecided(record) || request.state === "pending") {
      return { state: record.state, error: undefined };
    }
    const error = await this.#applyAll(record, options);
    if (
      request.only === undefined &&
      request.state !== record.state &&
      (record.tcTerm !== 0 || request.tcTerm !== 0)
    ) {
      const detail = `transaction ${record.txnId} is already decided: ${record.state}`;
      return { state: record.state, error: failure("txn_conflict", detail) };
    }
    return { state: record.state, error };
  }

  /** The first error, or undefined when all are through. */
  async #applyAll(record: DecidedRecord, options: SettleOptions): Promise<unknown> {
    const { meter } = this.#parts;
    const open = record.participants.filter(({ applied }) => !applied);
    const local = open.filter((participant) => isLocal(this.#parts, participant));
    const startedMs = this.#parts.options.clock.monotonicMs();
    const { done, failed } = await meter.time("apply", record.txnId, () =>
      this.#applier.apply(record, local, options.isTolerant ?? false),
    );
    meter.info("txn.apply.complete", {
      txn_id: record.txnId,
      state: record.state,
      applied: done.length,
      already_applied: record.participants.length - open.length,
      failed: failed.length,
      duration_ms: this.#parts.options.clock.monotonicMs() - startedMs,
    });
    this.#finisher.later(record, done);
    const foreign = options.localOnly === true ? [] : open.filter((one) => !local.includes(one));
    return failed[0]?.error ?? this.#fanOutError(record, foreign);
  }

  /** H19: a decision that is long finished is applied once more where the caller names keys. */
  async #applyAgain(
    decided: Decided,
    again: readonly Participant[],
    options: SettleOptions,
  ): Promise<unknown> {
    const local = mergedParticipants([], again).filter((one) => isLocal(this.#parts, one));
    if (local.length === 0) return undefined;
    const { failed } = await this.#applier.apply(decided, local, options.isTolerant ?? false);
    return failed[0]?.error;
  }

  /** On one island nobody can be told. */
  #fanOutError(record: DecidedRecord, foreign: readonly Participant[]): LockdError | undefined {
    const hashes = [...new Set(foreign.map(({ backendHash }) => backendHash))];
    if (hashes.length === 0) return undefined;
    const reasons = hashes.map(
      (hash) => `<none> (backend ${hash}): no RM endpoints registered for backend hash`,
    );
    const detail = `transaction ${record.txnId}: txn fanout failed: ${reasons.join("; ")}`;
    return failure("txn_fanout_failed", detail);
  }

  #noteDecision(record: DecidedRecord): void {
    const { meter } = this.#parts;
    meter.count("decisions.recorded");
    meter.info("txn.tc.decide.recorded", {
      txn_id: record.txnId,
      state: record.state,
      participants: record.participants
        .map(({ namespace, key }) => `${namespace}/${key}`)
        .join(" "),
      expires_at: record.expiresAtUnix,
      tc_term: record.tcTerm,
    });
  }

  #unknown(txnId: string, cause: unknown): LockdError {
    const detail = `transaction ${txnId}: the outcome of its decision could not be found out`;
    return failure("store_unavailable", detail, { outcomeUnknown: true, cause });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.options.clock.schedule(delayMs, resolve);
    });
  }
}

/** What the request makes of a pending record, if that is a decision; @throws what refuses it */
function decidedBy(
  record: TxnRecord,
  request: DecisionRequest,
  times: Parameters<typeof decideTxn>[2],
): DecidedRecord | undefined {
  const decision = decideTxn({ record, marker: undefined }, request, times);
  if (decision.kind === "refuse") throw decision.error;
  if (decision.kind !== "recorded" || !isDecided(decision.record)) return undefined;
  return decision.record;
}
