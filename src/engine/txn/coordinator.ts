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
import { txnDecided } from "../observe/txn-changes.ts";
import { planStepsMax } from "../ports/store.ts";
import type { Applier } from "./applier.ts";
import { namesOf } from "./applier.ts";
import { applyToKey } from "./apply-to-key.ts";
import { type DecisionRequest, decideTxn, type TxnVerdict } from "./decide-txn.ts";
import type { ExpiredMarkers } from "./expired-markers.ts";
import type { Finisher } from "./finisher.ts";
import { markerOf } from "./marker.ts";
import type { Decided } from "./participant-kind.ts";
import type { TxnTurn } from "./txn-log.ts";
import { participantsText, type SweepMode, type TimedWork } from "./txn-meter.ts";
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
  /** Recovery: who made it look. */
  readonly mode?: SweepMode;
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
  readonly #markers: ExpiredMarkers;

  constructor(
    parts: TxnParts,
    helpers: {
      readonly applier: Applier;
      readonly finisher: Finisher;
      readonly markers: ExpiredMarkers;
    },
  ) {
    this.#parts = parts;
    this.#applier = helpers.applier;
    this.#finisher = helpers.finisher;
    this.#markers = helpers.markers;
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
  settle(request: DecisionRequest, options: SettleOptions = {}): Promise<Settled> {
    const { log, meter } = this.#parts;
    const askedAtMs = this.#nowMs();
    return meter.time(timedDecision(request, options), () =>
      log.exclusively(request.txnId, async (turn) => {
        const wanted = await this.#unlessLost(turn, request);
        const asked = { ...wanted, askedAtMs, mode: options.mode };
        const quick = await this.#inOneWrite(turn, asked);
        if (quick.done !== undefined) return { state: quick.done, error: undefined };
        const decision = await this.#record(turn, asked, quick.isOpen);
        return this.#carryOut(wanted, decision, options);
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
  expire(
    { txnId, tcTerm }: Pick<TxnRecord, "txnId" | "tcTerm">,
    options: SettleOptions,
  ): Promise<Settled> {
    const request = { txnId, participants: [], expiresAtUnix: 0, tcTerm };
    return this.settle({ ...request, state: "rollback", only: "expired" }, options);
  }

  /** The short way. `isOpen`: such a write may have landed. */
  async #inOneWrite(
    turn: TxnTurn,
    request: AskedDecision,
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
        const { meter } = this.#parts;
        if (record?.state === "pending") this.#noteDecision(decided, request);
        meter.count("txn.apply.applied", [decided.state], decided.participants.length);
        if (request.mode !== undefined) meter.count("txn.sweep.cleanup_deleted", [request.mode]);
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
  async #record(turn: TxnTurn, request: AskedDecision, wasOpen: boolean): Promise<TxnVerdict> {
    let isOpen = wasOpen;
    let unknowns = 0;
    for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
      const decision = await this.#decision(turn, request, isOpen);
      if (decision.kind !== "recorded" || !decision.changed) {
        // What a write of unknown outcome recorded was recorded by us.
        if (isOpen) this.#noteFound(decision, request);
        return decision;
      }
      const written = await turn.put(decision.record);
      if (written === "applied") {
        this.#note(decision.record, request);
        return decision;
      }
      if (written === "conflict" && request.only === "expired" && request.mode !== undefined) {
        this.#parts.meter.count("txn.sweep.rollback_cas_failed", [request.mode]);
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
    const { txnId, state } = record;
    const open = record.participants.filter(({ applied }) => !applied);
    const local = open.filter((participant) => isLocal(this.#parts, participant));
    const startedMs = this.#nowMs();
    const fields = { txn_id: txnId, state, participants: participantsText(local) };
    const timed = { operation: "apply", histogram: "txn.apply.duration_ms", fields } as const;
    const { done, failed, retries } = await meter.time({ ...timed, label: () => state }, () =>
      this.#applier.apply(record, local, options.isTolerant ?? false),
    );
    const report = {
      ...{ txn_id: txnId, state, applied: done.length },
      already_applied: record.participants.length - open.length,
      ...{ failed: failed.length, retries, duration_ms: this.#nowMs() - startedMs },
    };
    meter.info("txn.apply.complete", report);
    for (const { participant, error } of failed) {
      const { namespace, key } = participant;
      const what = { txn_id: txnId, state, namespace, key, error: String(error) };
      meter.warn("txn.apply.failed", what);
    }
    this.#finisher.later(record, done, options.mode);
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
    for (const hash of hashes) {
      const { meter } = this.#parts;
      meter.count("txn.fanout.failed", [record.state, hash, "no_endpoint"]);
      const fields = { txn_id: record.txnId, state: record.state, backend_hash: hash };
      meter.warn("txn.coordinator.fanout.failed", { ...fields, endpoint: "<none>" });
    }
    const reasons = hashes.map(
      (hash) => `<none> (backend ${hash}): no RM endpoints registered for backend hash`,
    );
    const detail = `transaction ${record.txnId}: txn fanout failed: ${reasons.join("; ")}`;
    return failure("txn_fanout_failed", detail);
  }

  /** A record was written for the request. */
  #note(record: TxnRecord, request: AskedDecision): void {
    if (isDecided(record)) this.#noteDecision(record, request);
    else this.#parts.meter.count("txn.decisions.recorded", [record.state]);
  }

  #noteFound(found: TxnVerdict, request: AskedDecision): void {
    if (request.only === "decided") return;
    if (found.kind === "recorded") this.#note(found.record, request);
    else if (found.kind === "remembered") this.#noteDecision({ ...request, ...found }, request);
  }

  /** A decision is durable: counted, logged, and told to whoever watches. */
  #noteDecision(
    record: Omit<DecidedRecord, "createdAtUnix" | "updatedAtUnix">,
    { askedAtMs }: AskedDecision,
  ): void {
    const { meter, options, publish } = this.#parts;
    const { txnId, state, participants, expiresAtUnix } = record;
    const ms = this.#nowMs() - askedAtMs;
    meter.count("txn.decisions.recorded", [state]);
    meter.observe("txn.decide.duration_ms", state, ms);
    meter.info("txn.tc.decide.recorded", {
      ...{ txn_id: txnId, state, participants: participantsText(participants) },
      ...{ participant_count: participants.length, expires_at: expiresAtUnix },
      ...{ tc_term: record.tcTerm, duration_ms: ms },
    });
    publish(() => txnDecided({ txnId, outcome: state }, options.clock.wallMs()));
    this.#markers.decided();
  }

  #nowMs(): number {
    return this.#parts.options.clock.monotonicMs();
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

/** A request, since when it is being worked on, and on whose account. */
interface AskedDecision extends DecisionRequest {
  readonly askedAtMs: number;
  readonly mode: SweepMode | undefined;
}

/** How a decision is watched and timed: by what was asked for, and by what came of it. */
function timedDecision(
  { txnId, state, participants }: DecisionRequest,
  { localOnly }: SettleOptions,
): TimedWork<Settled> {
  const decided = localOnly === true ? state : "decide";
  return {
    operation: state === "pending" ? "prepare" : (decided as "decide"),
    fields: { txn_id: txnId, state, participants: participantsText(participants) },
    histogram: "txn.tc.decide.duration_ms",
    label: (settled) => settled?.state ?? "unknown",
  };
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
