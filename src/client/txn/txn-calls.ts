import { LockdConfigError } from "../../api/errors.ts";
import type {
  ApplyRequest,
  Transactions,
  TxnExplanation,
  TxnParticipantStatus,
  TxnSummary,
} from "../../api/transactions.ts";
import type { CarrierCall } from "../carrier-call.ts";
import type { Call } from "../types.ts";
import type {
  TxnApi,
  TxnDecision,
  TxnInfo,
  TxnOutcome,
  TxnPage,
  TxnParticipantInfo,
  TxnStory,
} from "./txn-types.ts";

/** What the calls need of the client they belong to. */
export interface TxnCallsHost {
  readonly lockd: { readonly transactions: Transactions };
  readonly carrierCall: (o: Call<object> | undefined) => CarrierCall;
}

type Decision = TxnDecision & { targetBackendHash?: string | undefined };

/** Transactions by their ids (client-sdk.md section 12). */
export class TxnCalls implements TxnApi {
  readonly #host: TxnCallsHost;

  constructor(host: TxnCallsHost) {
    this.#host = host;
  }

  async prepare(r: TxnDecision, o?: Call): Promise<TxnOutcome> {
    return await this.#decide("pending", r, o);
  }

  async commit(r: TxnDecision, o?: Call): Promise<TxnOutcome> {
    return await this.#decide("commit", r, o);
  }

  async rollback(r: TxnDecision, o?: Call): Promise<TxnOutcome> {
    return await this.#decide("rollback", r, o);
  }

  async applyCommit(r: Decision, o?: Call): Promise<TxnOutcome> {
    return await this.#apply("commit", r, o);
  }

  async applyRollback(r: Decision, o?: Call): Promise<TxnOutcome> {
    return await this.#apply("rollback", r, o);
  }

  async replay(txnId: string, o?: Call): Promise<TxnOutcome> {
    const { lockd, carrierCall } = this.#host;
    return await lockd.transactions.replay({ txnId: given(txnId) }, carrierCall(o));
  }

  async list(r: NonNullable<Parameters<TxnApi["list"]>[0]> = {}, o?: Call): Promise<TxnPage> {
    const { lockd, carrierCall } = this.#host;
    const page = await lockd.transactions.list(r, carrierCall(o));
    const found = page.transactions.map(infoOf);
    return {
      transactions: found,
      damaged: page.damaged,
      ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
    };
  }

  async explain(txnId: string, o?: Call): Promise<TxnStory> {
    const { lockd, carrierCall } = this.#host;
    return storyOf(await lockd.transactions.explain({ txnId: given(txnId) }, carrierCall(o)));
  }

  async #decide(state: string, r: TxnDecision, o: Call | undefined): Promise<TxnOutcome> {
    const { lockd, carrierCall } = this.#host;
    return await lockd.transactions.decide({ ...wireOf(r), state }, carrierCall(o));
  }

  async #apply(
    state: "commit" | "rollback",
    r: Decision,
    o: Call | undefined,
  ): Promise<TxnOutcome> {
    const { lockd, carrierCall } = this.#host;
    return await lockd.transactions.apply(state, wireOf(r), carrierCall(o));
  }
}

function given(txnId: string): string {
  if (typeof txnId === "string" && txnId.trim() !== "") return txnId;
  throw new LockdConfigError("missing_txn_id", "a transaction call needs a transaction id");
}

function wireOf(r: Decision): ApplyRequest {
  const { participants, expiresAt, tcTerm, targetBackendHash } = r;
  return {
    txnId: given(r.txnId),
    participants,
    expiresAtUnix: expiresAt === undefined ? undefined : Math.ceil(expiresAt.getTime() / 1_000),
    tcTerm,
    targetBackendHash,
  };
}

function infoOf(txn: TxnSummary): TxnInfo {
  return {
    txnId: txn.txnId,
    state: txn.state,
    participants: txn.participants.map(participantOf),
    createdAt: dateOf(txn.createdAtUnix),
    updatedAt: dateOf(txn.updatedAtUnix),
    expiresAt: dateOf(txn.expiresAtUnix),
    inDoubt: txn.inDoubt,
  };
}

function storyOf(txn: TxnExplanation): TxnStory {
  return {
    txnId: txn.txnId,
    state: txn.state,
    record: txn.record,
    participants: txn.participants.map((participant) => ({
      ...participantOf(participant),
      now: participant.now,
      ...(participant.owner === undefined ? {} : { owner: participant.owner }),
      ...(participant.leaseExpiresAtUnix === undefined
        ? {}
        : { leaseExpiresAt: dateOf(participant.leaseExpiresAtUnix) }),
    })),
    ...(txn.createdAtUnix === undefined ? {} : { createdAt: dateOf(txn.createdAtUnix) }),
    ...(txn.decidedAtUnix === undefined ? {} : { decidedAt: dateOf(txn.decidedAtUnix) }),
    expiresAt: dateOf(txn.expiresAtUnix),
    story: txn.story,
  };
}

function participantOf(participant: TxnParticipantStatus): TxnParticipantInfo {
  const { namespace, key, backendHash, applied } = participant;
  return { namespace, key, applied, ...(backendHash === "" ? {} : { backendHash }) };
}

function dateOf(unix: number): Date {
  return new Date(unix * 1_000);
}
