/**
 * Changes under a lease that may be part of a joint transaction: what is staged on such a key makes
 * the key a participant before anybody is told (transactions-and-islands.md sections 4.2 and 4.3).
 *
 * The race it exists to win: a key whose changes were acknowledged but whose transaction does not
 * know it would be left behind by the commit. With atomic plans both are one write. Without them
 * the key is enlisted after its change, and then looked at once more: whoever resolved the expired
 * lease in between has either taken the staged changes away or decided the transaction, and both
 * show.
 */
import { failure, type LockdApiError } from "../../api/errors.ts";
import { isExpired, type LeaseClaim } from "../lease/lease-rules.ts";
import { casAttemptsMax, resolveAttemptsMax } from "../limits.ts";
import { InDoubt } from "../record/in-doubt.ts";
import {
  type KeyRecord,
  keyOfRecordName,
  namespaceOfRecord,
  recordName,
} from "../record/key-record.ts";
import type { Rider, Transition } from "../record/record-change.ts";
import { keep } from "../transition.ts";
import { decideTxn } from "./decide-txn.ts";
import type { TxnTurn } from "./txn-log.ts";
import { localParticipant, type TxnParts, timesOf } from "./txn-parts.ts";
import { isDecided, type TxnRecord, type TxnView } from "./txn-record.ts";
import type { UndecidedLeases } from "./undecided-leases.ts";

export interface StagingExtras {
  /** What the change lets the record point at, if anything. */
  readonly object?: string | undefined;
  /** The change stands even when its transaction cannot be told (keepalive). */
  readonly lenient?: boolean | undefined;
}

const joint = Symbol("joint");

export class Staging {
  readonly #parts: TxnParts;
  readonly #undecided: UndecidedLeases;

  constructor(parts: TxnParts, undecided: UndecidedLeases) {
    this.#parts = parts;
    this.#undecided = undecided;
  }

  /**
   * As `RecordShell.transact`, for changes in the name of a lease. A change under an implicit
   * transaction is one write and nothing else.
   * @throws txn_conflict when the transaction is decided already
   */
  async transact<Answer>(
    claim: LeaseClaim,
    decide: Transition<Answer>,
    extras: StagingExtras = {},
  ): Promise<Answer> {
    const { shell, options } = this.#parts;
    const { object } = extras;
    const answer = await shell.transact<Answer | typeof joint>(
      recordName(claim.namespace, claim.key),
      (record, nowUnix) =>
        isJoint(record, claim, nowUnix) ? keep(joint) : decide(record, nowUnix),
      { object },
    );
    if (answer !== joint) return answer;
    return options.store.capabilities.atomicPlan
      ? this.#together(claim, decide, extras)
      : this.#oneByOne(claim, decide, extras);
  }

  /** Makes the key of a lease a participant that has changes staged already. */
  async enlistLease(name: string, { lease }: KeyRecord): Promise<void> {
    if (lease === undefined) return;
    const key = keyOfRecordName(name);
    const namespace = namespaceOfRecord(name);
    const { id: leaseId, fencingToken, txnId } = lease;
    await this.#enlist({ namespace, key, leaseId, fencingToken, txnId }, lease.expiresAtUnix);
  }

  async #together<Answer>(
    claim: LeaseClaim,
    decide: Transition<Answer>,
    extras: StagingExtras,
  ): Promise<Answer> {
    const { shell, log } = this.#parts;
    const name = recordName(claim.namespace, claim.key);
    for (let asked = 0; ; asked += 1) {
      let inDoubt: InDoubt;
      try {
        return await log.exclusively(claim.txnId ?? "", (turn) => {
          const rider = this.#rider(turn, claim, extras);
          return shell.transact(name, decide, { object: extras.object, rider, asks: "elsewhere" });
        });
      } catch (error) {
        if (!(error instanceof InDoubt) || asked >= resolveAttemptsMax) throw error;
        inDoubt = error;
      }
      await this.#undecided.resolve(name, inDoubt.record);
    }
  }

  #rider(turn: TxnTurn, claim: LeaseClaim, { lenient }: StagingExtras): Rider {
    let pending: TxnRecord | undefined;
    return {
      steps: async (next) => {
        pending = undefined;
        if (next.lease === undefined || next.staged === undefined) return [];
        const view = await turn.view();
        const isLate = view.record === undefined || isDecided(view.record);
        if (lenient === true && isLate) return [];
        const enlisted = this.#enlisted(view, claim, next.lease.expiresAtUnix);
        if (!enlisted.changed) return [];
        pending = enlisted.record;
        return turn.recordSteps(pending);
      },
      settle: (written, tags) => {
        if (pending === undefined) return;
        const tag = tags.at(-1);
        const now = tag === undefined ? undefined : { record: pending, tag };
        turn.settle(written, now);
        if (written === "applied") this.#parts.meter.count("txn.decisions.recorded", ["pending"]);
      },
    };
  }

  async #oneByOne<Answer>(
    claim: LeaseClaim,
    decide: Transition<Answer>,
    extras: StagingExtras,
  ): Promise<Answer> {
    const { shell, meter } = this.#parts;
    const name = recordName(claim.namespace, claim.key);
    let next: KeyRecord | undefined;
    const noting: Transition<Answer> = (record, nowUnix) => {
      const decision = decide(record, nowUnix);
      next = decision.kind === "write" ? decision.next : undefined;
      return decision;
    };
    const answer = await shell.transact(name, noting, { object: extras.object });
    if (next?.lease === undefined || next.staged === undefined) return answer;
    try {
      await this.#enlist(claim, next.lease.expiresAtUnix);
      await this.#checkStaged(claim);
    } catch (error) {
      if (extras.lenient !== true) throw error;
      meter.warn("txn.enlist.failed", {
        txn_id: claim.txnId,
        lease_id: claim.leaseId,
        error: String(error),
      });
    }
    return answer;
  }

  /** @throws txn_conflict */
  async #enlist(claim: LeaseClaim, expiresAtUnix: number): Promise<void> {
    const txnId = claim.txnId ?? "";
    await this.#parts.log.exclusively(txnId, async (turn) => {
      for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
        const enlisted = this.#enlisted(await turn.view(), claim, expiresAtUnix);
        if (!enlisted.changed) return;
        if ((await turn.put(enlisted.record)) === "applied") {
          this.#parts.meter.count("txn.decisions.recorded", ["pending"]);
          return;
        }
      }
      throw failure("cas_mismatch", `transaction ${txnId}: other writers won too often`);
    });
  }

  #enlisted(
    view: TxnView,
    claim: LeaseClaim,
    expiresAtUnix: number,
  ): { readonly record: TxnRecord; readonly changed: boolean } {
    const txnId = claim.txnId ?? "";
    const participants = [localParticipant(this.#parts, claim)];
    const request = { txnId, state: "pending" as const, participants, expiresAtUnix, tcTerm: 0 };
    const decision = decideTxn(view, request, timesOf(this.#parts));
    if (decision.kind === "refuse") throw decision.error;
    if (decision.kind !== "recorded" || isDecided(decision.record)) throw lateError(txnId);
    return decision;
  }

  async #checkStaged(claim: LeaseClaim): Promise<void> {
    const record = await this.#parts.shell.read(recordName(claim.namespace, claim.key));
    const isThere = record?.lease?.id === claim.leaseId && record.staged !== undefined;
    if (isThere) return;
    const detail = `lease ${claim.leaseId} of ${claim.namespace}/${claim.key} has expired`;
    throw failure("lease_expired", detail);
  }
}

/** True when the claim is for a running lease whose caller chose the transaction. */
function isJoint(record: KeyRecord | undefined, claim: LeaseClaim, nowUnix: number): boolean {
  const lease = record?.lease;
  if (lease === undefined || !lease.explicit || lease.id !== claim.leaseId) return false;
  return !isExpired(lease, nowUnix);
}

function lateError(txnId: string): LockdApiError {
  return failure("txn_conflict", `transaction ${txnId} is already decided: it takes no more keys`);
}
