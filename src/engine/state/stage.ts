/** Staging of state, removal and attributes (http-core.md sections 8.3, 10.6, 10.8, 10.9). Pure. */
import type { LockdApiError } from "../../api/errors.ts";
import { committed } from "../lease/commit.ts";
import {
  type CasClaim,
  casError,
  claimError,
  cleanedIfExpired,
  type LeaseClaim,
  stagedTxnError,
  txnError,
} from "../lease/lease-rules.ts";
import {
  absentRecord,
  type KeyRecord,
  type Staged,
  type StoredState,
} from "../record/key-record.ts";
import { stateObjects } from "../record/record-objects.ts";
import { type Decision, keep, refuse, write } from "../transition.ts";

export interface StateStaged {
  readonly version: number;
  readonly etag: string;
  readonly bytes: number;
  readonly queryHidden: boolean;
  /** False also when the release was asked for but a joint transaction has to be decided. */
  readonly released: boolean;
  /**
   * False when an earlier call did exactly this already, with bytes of its own: then the bytes of
   * this call are not needed. An earlier attempt of this very call counts as this call.
   */
  readonly usesBytes: boolean;
}

export interface StageStateRequest {
  readonly claim: LeaseClaim;
  readonly cas: CasClaim;
  readonly state: StoredState;
  readonly queryHidden: boolean | undefined;
  /** Commit and release in the same write. */
  readonly release: boolean;
}

/** The staged half to build on: what this transaction staged so far, or a fresh one. */
export function stagedBase(record: KeyRecord, claim: LeaseClaim): Staged {
  return (
    record.staged ?? {
      txnId: claim.txnId ?? "",
      version: record.version + 1,
      state: undefined,
      removed: false,
      queryHidden: undefined,
      attachments: undefined,
    }
  );
}

/** The error of a lease-bound change, in the order of section 8.5, or undefined when it may be. */
export function bindingError(
  record: KeyRecord,
  claim: LeaseClaim,
  nowUnix: number,
): LockdApiError | undefined {
  return (
    claimError(record, claim, nowUnix) ?? txnError(record, claim) ?? stagedTxnError(record, claim)
  );
}

function effectiveHidden(record: KeyRecord): boolean {
  return record.staged?.queryHidden ?? record.queryHidden ?? false;
}

/** The state becomes the staged one, replacing an earlier one and cancelling a staged removal. */
export function stageState(
  current: KeyRecord | undefined,
  request: StageStateRequest,
  nowUnix: number,
): Decision<StateStaged> {
  const record = current ?? absentRecord;
  const { claim, state } = request;
  if (request.release) {
    const repeated = repeatedCommit(record, claim, state);
    if (repeated !== undefined) return keep(repeated);
  }
  const error = bindingError(record, claim, nowUnix) ?? casError(record, claim, request.cas);
  if (error !== undefined) return refuse(error, cleanedIfExpired(record, nowUnix));
  const base = stagedBase(record, claim);
  const stagedRecord: KeyRecord = {
    ...record,
    staged: {
      ...base,
      state,
      removed: false,
      queryHidden: request.queryHidden ?? base.queryHidden,
    },
    updatedAtUnix: nowUnix,
  };
  // A joint transaction is committed by its decision, not key by key.
  const release = request.release && record.lease?.explicit !== true;
  const answer: StateStaged = {
    version: base.version,
    etag: state.etag,
    bytes: state.size,
    queryHidden: effectiveHidden(stagedRecord),
    released: release,
    usesBytes: true,
  };
  const replaced = stateObjects(record.staged?.state);
  if (!release) return write(stagedRecord, answer, replaced);
  const ended = committed(stagedRecord, nowUnix);
  return write(ended.record, answer, [...replaced, ...ended.garbage]);
}

/**
 * A fused update-and-release that is repeated after its answer was lost: the record still shows
 * that this very lease committed this very state, so the answer is the same again.
 */
function repeatedCommit(
  record: KeyRecord,
  claim: LeaseClaim,
  state: StoredState,
): StateStaged | undefined {
  const last = record.lastCommit;
  if (last === undefined || last.leaseId !== claim.leaseId || last.etag !== state.etag) {
    return undefined;
  }
  return {
    version: last.version,
    etag: last.etag,
    bytes: last.bytes,
    queryHidden: record.queryHidden ?? false,
    released: true,
    usesBytes: isSamePlace(record.state, state),
  };
}

function isSamePlace(one: StoredState | undefined, other: StoredState): boolean {
  const { place } = other;
  return place.kind === "object" && one?.place.kind === "object" && one.place.name === place.name;
}

export interface RemovalStaged {
  readonly removed: boolean;
  readonly version: number;
}

/**
 * Drops the staged state and attributes, flags the removal and counts the staged version up. Staged
 * attachments stay recorded, out of sight, for a later update may cancel the removal.
 */
export function stageRemoval(
  current: KeyRecord | undefined,
  request: { readonly claim: LeaseClaim; readonly cas: CasClaim },
  nowUnix: number,
): Decision<RemovalStaged> {
  const record = current ?? absentRecord;
  const { claim } = request;
  const error = bindingError(record, claim, nowUnix) ?? casError(record, claim, request.cas);
  if (error !== undefined) return refuse(error, cleanedIfExpired(record, nowUnix));
  const { staged } = record;
  const nothingStaged = staged === undefined || (staged.state === undefined && !staged.removed);
  if (nothingStaged && record.state === undefined) {
    return keep({ removed: false, version: record.version });
  }
  const version = (staged?.version ?? record.version) + 1;
  const next: KeyRecord = {
    ...record,
    staged: {
      ...stagedBase(record, claim),
      version,
      state: undefined,
      removed: true,
      queryHidden: undefined,
    },
    updatedAtUnix: nowUnix,
  };
  return write(next, { removed: true, version }, stateObjects(staged?.state));
}

export interface MetadataStaged {
  readonly version: number;
  readonly queryHidden: boolean;
}

/** Stages the query-hidden attribute; only the version condition applies (section 8.6). */
export function stageMetadata(
  current: KeyRecord | undefined,
  request: {
    readonly claim: LeaseClaim;
    readonly ifVersion: number | undefined;
    readonly queryHidden: boolean;
  },
  nowUnix: number,
): Decision<MetadataStaged> {
  const record = current ?? absentRecord;
  const { claim } = request;
  const cas: CasClaim = { ifVersion: request.ifVersion, ifStateEtag: undefined };
  const error =
    claimError(record, claim, nowUnix) ??
    txnError(record, claim) ??
    casError(record, claim, cas) ??
    stagedTxnError(record, claim);
  if (error !== undefined) return refuse(error, cleanedIfExpired(record, nowUnix));
  const base = stagedBase(record, claim);
  const next: KeyRecord = {
    ...record,
    staged: { ...base, queryHidden: request.queryHidden },
    updatedAtUnix: nowUnix,
  };
  return write(next, { version: base.version, queryHidden: request.queryHidden });
}
