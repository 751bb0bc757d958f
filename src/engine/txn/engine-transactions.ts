/** The transactions of one engine: every verb, and what the other faces need of them. */
import { failure } from "../../api/errors.ts";
import type { LockdCall } from "../../api/lockd.ts";
import type {
  ApplyRequest,
  DamagedTxn,
  DecideRequest,
  Transactions,
  TxnExplanation,
  TxnListRequest,
  TxnListResult,
  TxnParticipantStory,
  TxnResult,
  TxnSummary,
} from "../../api/transactions.ts";
import type { LeaseClaim } from "../lease/lease-rules.ts";
import { txnReplayRecordsMax } from "../limits.ts";
import type { Meter } from "../metering/meter.ts";
import { type KeyRecord, recordName } from "../record/key-record.ts";
import { callStore, unlessDamaged } from "../store-failure.ts";
import { keep, write } from "../transition.ts";
import { Applier } from "./applier.ts";
import { checkApply, checkDecide, checkList, checkTxnId } from "./checked-txn.ts";
import { Coordinator } from "./coordinator.ts";
import { ExpiredMarkers } from "./expired-markers.ts";
import {
  explainMarker,
  explainRecord,
  isInDoubt,
  keyStanding,
  participantStory,
  summaryOf,
  unseenStory,
} from "./explain-txn.ts";
import { Finisher } from "./finisher.ts";
import { Joining } from "./joining.ts";
import { MintedTxns } from "./minted-txns.ts";
import type { ParticipantKind } from "./participant-kind.ts";
import { Recovery } from "./recovery.ts";
import { Staging } from "./staging.ts";
import { decodeTxn } from "./txn-codec.ts";
import { TxnLog } from "./txn-log.ts";
import { TxnMeter } from "./txn-meter.ts";
import { isLocal, localParticipant, type TxnParts } from "./txn-parts.ts";
import {
  type DecidedRecord,
  isDecided,
  type Participant,
  txnName,
  txnPrefix,
} from "./txn-record.ts";
import { txnSettings } from "./txn-settings.ts";
import { UndecidedLeases } from "./undecided-leases.ts";

/** What the transactions of an engine work with. */
export interface TransactionPorts extends Pick<TxnParts, "options" | "shell" | "publish"> {
  readonly meter: Meter;
}

export class EngineTransactions implements Transactions {
  readonly staging: Staging;
  readonly recovery: Recovery;
  readonly undecided: UndecidedLeases;
  readonly minted = new MintedTxns();
  readonly joining: Joining;
  readonly #parts: TxnParts;
  readonly #applier: Applier;
  readonly #coordinator: Coordinator;
  readonly #finisher: Finisher;

  constructor({ options, shell, meter, publish }: TransactionPorts) {
    this.#parts = {
      options,
      settings: txnSettings(options.transactions),
      shell,
      log: new TxnLog(options),
      meter: new TxnMeter(options, meter),
      publish,
    };
    const applier = new Applier(this.#parts);
    this.#applier = applier;
    this.#finisher = new Finisher(this.#parts);
    const [finisher, markers] = [this.#finisher, new ExpiredMarkers(this.#parts)];
    const coordinator = new Coordinator(this.#parts, { applier, finisher, markers });
    this.#coordinator = coordinator;
    this.undecided = new UndecidedLeases(this.#parts, coordinator);
    this.staging = new Staging(this.#parts, this.undecided);
    this.joining = new Joining(this.#parts);
    this.recovery = new Recovery(this.#parts, { coordinator, finisher, markers });
  }

  async decide(request: DecideRequest, _call?: LockdCall): Promise<TxnResult> {
    const checked = checkDecide(request);
    return { txnId: checked.txnId, state: await this.#coordinator.decide(checked) };
  }

  async apply(
    outcome: "commit" | "rollback",
    request: ApplyRequest,
    _call?: LockdCall,
  ): Promise<TxnResult> {
    const checked = checkApply(outcome, request);
    this.#checkTarget(request.targetBackendHash?.trim() ?? "");
    const { txnId } = checked;
    if (checked.participants.length > 0) {
      return { txnId, state: await this.#coordinator.decide(checked, { localOnly: true }) };
    }
    const known = await this.#parts.log.find(txnId);
    if (known === undefined) return { txnId, state: (await this.#remembered(txnId)).state };
    if (!isDecided(known.record)) {
      throw failure("txn_pending", `transaction ${txnId} is not decided yet`);
    }
    const { state, error } = await this.#coordinator.carryOn(known.record, { localOnly: true });
    if (error !== undefined) throw error;
    return { txnId, state };
  }

  async replay(
    request: { readonly txnId?: string | undefined },
    _call?: LockdCall,
  ): Promise<TxnResult> {
    const txnId = checkTxnId(request.txnId);
    return { txnId, state: await this.recovery.replay(txnId) };
  }

  async list(request: TxnListRequest, _call?: LockdCall): Promise<TxnListResult> {
    const { state, inDoubt, after, limit } = checkList(request);
    const { options, shell } = this.#parts;
    const nowUnix = shell.nowUnix();
    const found: TxnSummary[] = [];
    const damaged: DamagedTxn[] = [];
    let cursor = after === undefined ? undefined : txnName(after);
    for (;;) {
      const at = { limit: txnReplayRecordsMax, ...(cursor === undefined ? {} : { after: cursor }) };
      const page = await callStore(() => options.store.scan(txnPrefix, at));
      for (const { name, bytes } of page.objects) {
        cursor = name;
        const txnId = name.slice(txnPrefix.length);
        const read = unlessDamaged(() => decodeTxn(name, bytes));
        if ("damage" in read) damaged.push({ txnId, detail: read.damage });
        else if (state !== undefined && read.value.state !== state) continue;
        else if (inDoubt && !isInDoubt(read.value, nowUnix)) continue;
        else found.push(summaryOf(read.value, nowUnix));
        if (found.length + damaged.length < limit) continue;
        return { transactions: found, damaged, cursor: txnId };
      }
      if (!page.more) return { transactions: found, damaged, cursor: undefined };
    }
  }

  async explain(
    request: { readonly txnId?: string | undefined },
    _call?: LockdCall,
  ): Promise<TxnExplanation> {
    const txnId = checkTxnId(request.txnId);
    const known = await this.#parts.log.find(txnId);
    if (known !== undefined) {
      const stories = await this.#stories(txnId, known.record.participants);
      return explainRecord(known.record, stories, this.#parts.shell.nowUnix());
    }
    const marker = await this.#remembered(txnId);
    return explainMarker(marker, await this.#stories(txnId, marker.participants));
  }

  /**
   * Decides the transaction of an explicit lease that is released, and sees to it that the lease is
   * gone afterwards. @throws txn_pending, what could not be applied
   */
  async release(
    claim: LeaseClaim,
    terms: { readonly rollback: boolean; readonly expiresAtUnix: number },
  ): Promise<"commit" | "rollback"> {
    const txnId = claim.txnId ?? "";
    const state = await this.#coordinator.decide({
      txnId,
      state: terms.rollback ? "rollback" : "commit",
      participants: [localParticipant(this.#parts, claim)],
      expiresAtUnix: terms.expiresAtUnix,
      tcTerm: 0,
    });
    if (state === "pending") {
      throw failure("txn_pending", `transaction ${txnId} is not decided yet`);
    }
    return state;
  }

  /**
   * Commits the joint transaction of a lease whose change was just staged; true when it is through.
   * @throws txn_conflict when it was rolled back meanwhile
   */
  async commitStaged(claim: LeaseClaim): Promise<true> {
    const record = await this.#parts.shell.read(recordName(claim.namespace, claim.key));
    const expiresAtUnix = record?.lease?.expiresAtUnix ?? 0;
    const state = await this.release(claim, { rollback: false, expiresAtUnix });
    if (state === "commit") return true;
    throw failure("txn_conflict", `transaction ${claim.txnId} is already decided: ${state}`);
  }

  /** Participants that are no ordinary keys; to be told before anything is decided. */
  addKind(kind: ParticipantKind): void {
    this.#applier.add(kind);
  }

  /**
   * Makes messages and their states participants of a transaction that is still open.
   * @throws txn_conflict
   */
  async enlist(
    txnId: string,
    participants: readonly { readonly namespace: string; readonly key: string }[],
    terms: { readonly expiresAtUnix: number; readonly sends?: true },
  ): Promise<void> {
    const state = await this.#decideFor(txnId, {
      ...{ state: "pending", participants, expiresAtUnix: terms.expiresAtUnix },
      ...(terms.sends === true ? { sends: true } : {}),
    });
    if (state === "pending") return;
    throw failure("txn_conflict", `transaction ${txnId} is already decided: ${state}`);
  }

  /**
   * Ack or nack of an explicit delivery: decides its transaction.
   * @throws txn_conflict when it was decided the other way, txn_pending, what failed to apply
   */
  async settleDelivery(
    txnId: string,
    outcome: "commit" | "rollback",
    terms: {
      readonly participants: readonly { readonly namespace: string; readonly key: string }[];
      readonly expiresAtUnix: number;
    },
  ): Promise<void> {
    const state = await this.#decideFor(txnId, { state: outcome, ...terms });
    if (state === outcome) return;
    if (state === "pending") throw failure("txn_pending", `transaction ${txnId} is not decided`);
    throw failure("txn_conflict", `transaction ${txnId} is already decided: ${state}`);
  }

  #decideFor(
    txnId: string,
    terms: {
      readonly state: "pending" | "commit" | "rollback";
      readonly participants: readonly { readonly namespace: string; readonly key: string }[];
      readonly expiresAtUnix: number;
      readonly sends?: true;
    },
  ) {
    const participants = terms.participants.map((one) => localParticipant(this.#parts, one));
    return this.#coordinator.decide({ ...terms, txnId, participants, tcTerm: 0 });
  }

  /**
   * A delivery of the transaction has lapsed: if it was decided before, that is carried out now, or
   * a message would be delivered again that was committed. One that is not decided stays so, unless
   * messages wait for it: then it is rolled back, durably, before anybody else gets the delivery.
   * Answers what was decided before.
   */
  async finishLapsed(txnId: string): Promise<DecidedRecord | undefined> {
    const record = (await this.#parts.log.find(txnId))?.record;
    if (record === undefined) return undefined;
    const options = { isTolerant: true, localOnly: true };
    if (isDecided(record)) {
      await this.#coordinator.carryOn(record, options);
      return record;
    }
    if (record.sends === true) {
      const { tcTerm } = record;
      const request = { txnId, state: "rollback" as const, participants: [], expiresAtUnix: 0 };
      await this.#coordinator.settle({ ...request, tcTerm }, options);
    }
    return undefined;
  }

  /** True when an implicit lease's transaction has become a joint one, as far as is known here. */
  isJoined(txnId: string): boolean {
    return this.#parts.log.isKnown(txnId);
  }

  /**
   * Somebody acquired `name` under a transaction id that may be the one of an implicit lease: then
   * that lease takes part from now on (H22). Best effort.
   */
  async join(txnId: string, name: string): Promise<void> {
    const first = this.minted.find(txnId);
    if (first === undefined || first === name) return;
    const { shell, meter } = this.#parts;
    try {
      await shell.transact(first, (record, nowUnix) => {
        if (record?.lease?.txnId !== txnId || record.lease.explicit) return keep(undefined);
        const lease = { ...record.lease, explicit: true };
        return write({ ...record, lease, updatedAtUnix: nowUnix }, undefined);
      });
      const record = await shell.read(first);
      if (record?.staged !== undefined) await this.staging.enlistLease(first, record);
    } catch (error) {
      meter.warn("txn.join.failed", { txn_id: txnId, error: String(error) });
    }
  }

  /** Ends what runs in the background. */
  async close(): Promise<void> {
    await this.recovery.stop();
    await this.#finisher.idle();
  }

  #checkTarget(target: string): void {
    const { backendHash } = this.#parts.settings;
    if (target === "" || target === backendHash) return;
    if (backendHash === "") {
      throw failure("backend_hash_unavailable", "this island does not know its own hash");
    }
    throw failure("txn_backend_mismatch", `this is island ${backendHash}, not ${target}`);
  }

  async #remembered(txnId: string) {
    const marker = (await this.#parts.log.findMarker(txnId))?.marker;
    if (marker === undefined || marker.expiresAtUnix <= this.#parts.shell.nowUnix()) {
      throw failure("txn_not_found", `nothing is known of transaction ${txnId}`);
    }
    return marker;
  }

  #stories(
    txnId: string,
    participants: readonly Participant[],
  ): Promise<readonly TxnParticipantStory[]> {
    return Promise.all(
      participants.map(async (participant) => {
        // Of what is on another island no record of this one could tell anything.
        if (!isLocal(this.#parts, participant)) return unseenStory(participant, "elsewhere");
        const standing = await this.#applier.standing(participant, txnId);
        if (standing !== undefined) return participantStory(participant, standing);
        const name = recordName(participant.namespace, participant.key);
        const record: KeyRecord | undefined = await this.#parts.shell.read(name);
        return participantStory(participant, keyStanding(txnId, record));
      }),
    );
  }
}
