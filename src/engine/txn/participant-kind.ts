import type { Outcome, Participant } from "./txn-record.ts";

/** A decision as it reaches a participant. */
export interface Decided {
  readonly txnId: string;
  readonly state: Outcome;
  /** Milliseconds; the same however often it is applied. */
  readonly decidedAtMs: number;
  /** True when it loses no delivery (`TxnRecord.sends`). */
  readonly sends?: true;
}

/** What stands of a participant now, for people. */
export interface ParticipantStanding {
  readonly now: string;
  readonly owner?: string | undefined;
  readonly leaseExpiresAtUnix?: number | undefined;
  readonly fencingToken?: number | undefined;
}

/**
 * Participants that are no ordinary keys. Applying is idempotent: after a crash it is done again.
 */
export interface ParticipantKind {
  /** True when participants with this key are of this kind. */
  owns(key: string): boolean;
  /**
   * Carries the decision out; resolves when it is durable, or when there is nothing left to do.
   * @throws queue_message_lease_mismatch when it went on without the transaction; store errors
   */
  apply(participant: Participant, decided: Decided): Promise<void>;
  /** How it stands with the transaction; undefined: as with any key. @throws store errors */
  standing(participant: Participant, txnId: string): Promise<ParticipantStanding | undefined>;
}
