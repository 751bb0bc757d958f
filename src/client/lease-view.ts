import type { AttachmentInfo } from "../api/attachments.ts";
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

/** A staged change of attachments; without a name it may be any of them. */
export interface StagedAttachment {
  readonly version: number;
  readonly name: string | undefined;
  /** undefined: it goes. */
  readonly attachment: AttachmentInfo | undefined;
}

/** A lease as its holder knows it: identity, the CAS cache, and what was staged under it. */
export class LeaseView {
  readonly facts: LeaseFacts;
  expiresAtUnix: number;
  fencingToken: number;
  sureUntilMs: number | undefined;
  version: number;
  stateEtag: string;
  /** False for a lease obtained elsewhere whose state was neither read nor changed yet. */
  knowsState: boolean;
  /** True once a change may have been staged. */
  dirty = false;
  /** The last staged change of known outcome that moves the version at commit. */
  staged: ExpectedState | undefined;
  /** The last staged upload of each name whose fate the commit decides. */
  readonly attached = new Map<string, AttachmentInfo>();

  constructor(facts: LeaseFacts) {
    this.facts = facts;
    this.expiresAtUnix = facts.expiresAtUnix;
    this.fencingToken = facts.fencingToken;
    this.sureUntilMs = facts.sureUntilMs;
    this.version = facts.version;
    this.stateEtag = facts.stateEtag;
    this.knowsState = facts.sureUntilMs !== undefined;
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
    this.knowsState = true;
    this.version = state.version;
    this.stateEtag = state.etag;
  }

  stagedState(state: ExpectedState): void {
    this.dirty = true;
    this.staged = state;
    this.sawState(state);
  }

  /** An attachment was staged, or its deletion: the commit moves the version, not the state. */
  stagedAttachment({ version, name, attachment }: StagedAttachment): void {
    this.dirty = true;
    this.version = version;
    this.staged = { version, etag: this.stateEtag };
    if (name === undefined) this.attached.clear();
    else if (attachment === undefined) this.attached.delete(name);
    else this.attached.set(name, attachment);
  }
}
