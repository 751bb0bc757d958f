/**
 * Participants that are born in a transaction: what makes them and their place in the transaction's
 * record are one write, on stores with atomic plans. Elsewhere they are made first and enlisted
 * afterwards, by their owner; what a crash between the two leaves behind belongs to nobody.
 *
 * The race it exists to win: a request that arrives when its transaction has been rolled back, or
 * while it is. The write holds only while the record, or the marker in its place, is as it was
 * read.
 */
import { failure, type LockdError } from "../../api/errors.ts";
import { casAttemptsMax, unknownOutcomeReadDelayMs, unknownOutcomeReadsMax } from "../limits.ts";
import type { Step, VersionTag } from "../ports/store.ts";
import { decideTxn } from "./decide-txn.ts";
import type { TxnTurn } from "./txn-log.ts";
import { localParticipant, type TxnParts, timesOf } from "./txn-parts.ts";
import { isDecided, isSameParticipant, type Participant, type TxnRecord } from "./txn-record.ts";

/** A participant that does not exist yet. */
export interface Newborn {
  readonly txnId: string;
  readonly place: { readonly namespace: string; readonly key: string };
  /** Until when the transaction is to stay open, at least. */
  readonly expiresAtUnix: number;
  /** What makes it; the first step is conditional on its not being there. */
  readonly steps: readonly Step[];
  /** True when it is there after all. @throws store errors */
  readonly isThere: () => Promise<boolean>;
}

/** How a participant that waits for a decision stands with its transaction. */
export type Membership =
  | { readonly kind: "member" }
  | { readonly kind: "rolled back" }
  | { readonly kind: "stranger" }
  /** The commit was given up before it reached this one, and is remembered. */
  | { readonly kind: "missed commit"; readonly decidedAtMs: number };

export class Joining {
  readonly #parts: TxnParts;

  constructor(parts: TxnParts) {
    this.#parts = parts;
  }

  /**
   * Who takes part in a transaction that is still open; nobody when it was not heard of.
   * @throws txn_conflict when it is decided already
   */
  async participants(txnId: string): Promise<readonly Participant[]> {
    const known = await this.#parts.log.find(txnId);
    if (known === undefined) return [];
    if (isDecided(known.record)) throw lateError(txnId, known.record.state);
    return known.record.participants;
  }

  /**
   * Whether a participant that claims to be of a transaction is; a transaction that was rolled back
   * takes no more.
   */
  async membership(txnId: string, place: Newborn["place"]): Promise<Membership> {
    const { log, shell } = this.#parts;
    const record = (await log.find(txnId))?.record;
    const own = localParticipant(this.#parts, place);
    const isOwn = (one: Participant): boolean => isSameParticipant(one, own);
    if (record?.participants.some(isOwn) === true) return { kind: "member" };
    if (record !== undefined) {
      return { kind: record.state === "rollback" ? "rolled back" : "stranger" };
    }
    const marker = (await log.findMarker(txnId))?.marker;
    if (marker === undefined || marker.expiresAtUnix <= shell.nowUnix()) {
      return { kind: "stranger" };
    }
    if (marker.state === "rollback") return { kind: "rolled back" };
    const isMissed = marker.participants.some((one) => !one.applied && isOwn(one));
    if (!isMissed) return { kind: "stranger" };
    return { kind: "missed commit", decidedAtMs: marker.decidedAtUnix * 1000 };
  }

  /** What was decided of it; "pending" when nothing was, or nothing is known of it. */
  async outcome(txnId: string): Promise<TxnRecord["state"]> {
    return this.#parts.log.exclusively(txnId, async (turn) => {
      const { record, marker } = await turn.view();
      return record?.state ?? marker?.state ?? "pending";
    });
  }

  /**
   * Makes the participant and enlists it, both or neither; only where plans are atomic. Answers the
   * tag of its first step, if that is known.
   * @throws txn_conflict, cas_mismatch, store errors; with outcomeUnknown when it may be there
   */
  together(newborn: Newborn): Promise<VersionTag | undefined> {
    const { log } = this.#parts;
    const { txnId } = newborn;
    return log.exclusively(txnId, async (turn) => {
      for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
        const record = await this.#joined(turn, newborn);
        const result = await log.apply([...newborn.steps, ...turn.recordSteps(record)]);
        const tag = result.kind === "applied" ? result.tags.at(-1) : undefined;
        turn.settle(result.kind, tag === undefined ? undefined : { record, tag });
        if (result.kind === "applied") {
          this.#parts.meter.count("txn.decisions.recorded", ["pending"]);
          return result.tags[0];
        }
        if (result.kind === "unknown") return this.#findOut(newborn, result.cause);
      }
      throw failure("cas_mismatch", `transaction ${txnId}: other writers won too often`);
    });
  }

  async #joined(turn: TxnTurn, { txnId, place, expiresAtUnix }: Newborn): Promise<TxnRecord> {
    const participants = [localParticipant(this.#parts, place)];
    const request = { txnId, state: "pending" as const, participants, expiresAtUnix, tcTerm: 0 };
    const sends = true as const;
    const decision = decideTxn(await turn.view(), { ...request, sends }, timesOf(this.#parts));
    if (decision.kind === "refuse") throw decision.error;
    if (decision.kind === "recorded" && !isDecided(decision.record)) return decision.record;
    throw lateError(txnId, decision.kind === "recorded" ? decision.record.state : "decided");
  }

  /** Never written again: by now it may have been committed, and be gone for a good reason. */
  async #findOut({ txnId, isThere }: Newborn, cause: unknown): Promise<undefined> {
    for (let read = 0; read < unknownOutcomeReadsMax; read += 1) {
      const found = await isThere().catch((error: unknown) => {
        throw this.#unknown(txnId, error);
      });
      if (found) return undefined;
      await new Promise<void>((resolve) => {
        this.#parts.options.clock.schedule(unknownOutcomeReadDelayMs * 2 ** read, resolve);
      });
    }
    throw this.#unknown(txnId, cause);
  }

  #unknown(txnId: string, cause: unknown): LockdError {
    const detail = `transaction ${txnId}: whether it has a new participant could not be found out`;
    return failure("store_unavailable", detail, { outcomeUnknown: true, cause });
  }
}

function lateError(txnId: string, state: string): LockdError {
  return failure("txn_conflict", `transaction ${txnId} is already decided: ${state}`);
}
