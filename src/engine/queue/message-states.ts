/**
 * The workflow state of a message (http-queue.md section 10): an ordinary key with an ordinary
 * lease, `q/<queue>/state/<id>`, which lives and dies with its message and is hidden from queries.
 */
import { failure, type LockdApiError } from "../../api/errors.ts";
import { stateKeyOf } from "../../api/message-keys.ts";
import type { Key } from "../../api/names.ts";
import { committed } from "../lease/commit.ts";
import { grantLease, withdrawGrant } from "../lease/grant.ts";
import { claimError, rolledBack } from "../lease/lease-rules.ts";
import { type KeyRecord, type Lease, recordName } from "../record/key-record.ts";
import type { RecordShell } from "../record/record-shell.ts";
import { keep, refuse, write } from "../transition.ts";
import { describeMessage } from "./fence.ts";
import type { MessageAt } from "./message-shell.ts";

export interface StateTerms {
  readonly owner: string;
  readonly ttlSeconds: number;
  readonly leaseId: string;
  readonly txnId: string;
  readonly explicit: boolean;
}

/** Identity of a state's lease as a consumer presents it. */
export interface StateClaim {
  readonly leaseId: string;
  readonly fencingToken: number;
}

export type StateGrant =
  | { readonly kind: "granted"; readonly lease: Lease }
  | { readonly kind: "held"; readonly untilMs: number };

export class MessageStates {
  readonly #shell: RecordShell;

  constructor(shell: RecordShell) {
    this.#shell = shell;
  }

  /** Grants the state's lease with a delivery. */
  grant(at: MessageAt, terms: StateTerms): Promise<StateGrant> {
    const key = stateKeyOf(at) as Key;
    const request = { ...terms, namespace: at.namespace, key, ifNotExists: false };
    return this.#shell.transact<StateGrant>(nameOf(at), (record, nowUnix) => {
      const decision = grantLease(record, request, nowUnix);
      switch (decision.kind) {
        case "refuse":
          return decision;
        case "keep":
          return keep({ kind: "held", untilMs: heldUntilMs(record) });
        default: {
          const { next, garbage } = decision;
          const hidden: KeyRecord = { ...next, queryHidden: next.queryHidden ?? true };
          if (next.lease === undefined) return keep({ kind: "held", untilMs: nowUnix * 1000 });
          return write<StateGrant>(hidden, { kind: "granted", lease: next.lease }, garbage);
        }
      }
    });
  }

  /** Takes a grant back whose delivery came to nothing, with what it staged. */
  async withdraw(at: MessageAt, leaseId: string): Promise<void> {
    await this.#shell.transact(nameOf(at), (record, nowUnix) =>
      withdrawGrant(record, leaseId, nowUnix),
    );
  }

  /** The error of section 12.3 if the state's lease is not the claimed one. */
  async extendError(at: MessageAt, claim: StateClaim): Promise<LockdApiError | undefined> {
    const record = await this.#shell.read(nameOf(at));
    if (record === undefined) {
      return failure("state_not_found", `${describeMessage(at)} has no workflow state`);
    }
    return claimError(record, leaseClaim(at, claim), this.#shell.nowUnix());
  }

  /** Moves the end of the state's lease. */
  extend(at: MessageAt, claim: StateClaim, expiresAtUnix: number): Promise<void> {
    return this.#shell.transact(nameOf(at), (current, nowUnix) => {
      const error =
        current === undefined ? undefined : claimError(current, leaseClaim(at, claim), nowUnix);
      if (error !== undefined) return refuse(error);
      if (current?.lease === undefined) return keep(undefined);
      const lease: Lease = { ...current.lease, expiresAtUnix };
      return write({ ...current, lease, updatedAtUnix: nowUnix }, undefined);
    });
  }

  /**
   * Ends the state's lease with its delivery: what it staged is kept for the next delivery, or
   * discarded. A lease that is missing, expired or somebody else's is left alone.
   */
  end(at: MessageAt, claim: StateClaim, staged: "promote" | "discard"): Promise<void> {
    return this.#shell.transact(nameOf(at), (current, nowUnix) => {
      if (current === undefined) return keep(undefined);
      if (claimError(current, leaseClaim(at, claim), nowUnix) !== undefined) return keep(undefined);
      const ended =
        staged === "promote" ? committed(current, nowUnix) : rolledBack(current, nowUnix);
      return write(ended.record, undefined, ended.garbage);
    });
  }

  /** Deletes the state with everything staged; its message is gone, so nobody can hold it again. */
  erase(at: MessageAt): Promise<void> {
    return this.#shell.erase(nameOf(at));
  }
}

function nameOf(at: MessageAt): string {
  return recordName(at.namespace, stateKeyOf(at));
}

function heldUntilMs(record: KeyRecord | undefined): number {
  return (record?.lease?.expiresAtUnix ?? 0) * 1000;
}

function leaseClaim(at: MessageAt, claim: StateClaim): Parameters<typeof claimError>[1] {
  const key = stateKeyOf(at) as Key;
  return { namespace: at.namespace, key, ...claim, txnId: undefined };
}
