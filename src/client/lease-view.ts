import type { LeaseAddress } from "../api/lockd.ts";

/** What a session starts from. */
export interface LeaseFacts {
  readonly namespace: string;
  readonly key: string;
  readonly leaseId: string;
  readonly txnId: string;
  readonly owner: string;
  readonly expiresAtUnix: number;
  readonly version: number;
  readonly stateEtag: string;
  readonly fencingToken: number;
  readonly correlationId: string | undefined;
  readonly endpoint: string;
  /** Lease time to renew with; undefined leaves it to the server. */
  readonly ttlSeconds: number | undefined;
  /** True when the transaction was named by the caller and is decided by whoever coordinates it. */
  readonly joined: boolean;
  /** Monotonic ms until which the lease surely runs; undefined when nobody told us. */
  readonly sureUntilMs: number | undefined;
}

/** What the next change expects to find. */
export interface ExpectedState {
  readonly version: number;
  readonly etag: string;
}

/** A lease as its holder knows it: identity, the CAS cache, and what was staged under it. */
export class LeaseView {
  readonly facts: LeaseFacts;
  expiresAtUnix: number;
  fencingToken: number;
  sureUntilMs: number | undefined;
  version: number;
  stateEtag: string;
  /** True once a change may have been staged. */
  dirty = false;
  /** The last staged change of known outcome that moves the version at commit. */
  staged: ExpectedState | undefined;

  constructor(facts: LeaseFacts) {
    this.facts = facts;
    this.expiresAtUnix = facts.expiresAtUnix;
    this.fencingToken = facts.fencingToken;
    this.sureUntilMs = facts.sureUntilMs;
    this.version = facts.version;
    this.stateEtag = facts.stateEtag;
  }

  address(): LeaseAddress {
    const { namespace, key, leaseId, txnId } = this.facts;
    return { namespace, key, leaseId, txnId, fencingToken: this.fencingToken };
  }

  /** Takes over the token of an answer; 0 means that it carried none. */
  sawToken(token: number | undefined): void {
    if (token !== undefined && token > 0) this.fencingToken = token;
  }

  sawState(state: ExpectedState): void {
    this.version = state.version;
    this.stateEtag = state.etag;
  }

  stagedState(state: ExpectedState): void {
    this.dirty = true;
    this.staged = state;
    this.sawState(state);
  }
}
