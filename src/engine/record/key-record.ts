/**
 * The key record: the only thing of a key that has to change atomically (architecture.md section 3,
 * http-core.md section 8.1). Plain immutable data; every transition makes a new one.
 */

import type { Key, Namespace } from "../../api/names.ts";
import { type AttachmentEntry, noAttachments, type StagedAttachments } from "./attachment-entry.ts";

/** Where the bytes of a state are: inside the record, or an object of their own. */
export type StatePlace =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | { readonly kind: "object"; readonly name: string };

export interface StoredState {
  /** Lower-case hex SHA-256 of the bytes. */
  readonly etag: string;
  readonly size: number;
  readonly place: StatePlace;
}

export interface Lease {
  readonly id: string;
  readonly owner: string;
  readonly txnId: string;
  /** True when the caller chose the transaction id. */
  readonly explicit: boolean;
  readonly fencingToken: number;
  readonly acquiredAtUnix: number;
  /** Equality with now counts as expired. */
  readonly expiresAtUnix: number;
}

/** Uncommitted changes of exactly one transaction. */
export interface Staged {
  readonly txnId: string;
  readonly version: number;
  readonly state: StoredState | undefined;
  readonly removed: boolean;
  /** undefined: the attribute is not part of this transaction. */
  readonly queryHidden: boolean | undefined;
  /** undefined: the attachments are not part of this transaction. */
  readonly attachments: StagedAttachments | undefined;
}

/** The last commit, so that a repeated fused call can be answered again (exactly once). */
export interface LastCommit {
  readonly leaseId: string;
  readonly version: number;
  readonly etag: string;
  readonly bytes: number;
}

/** Which request the last lease was granted to, so that its repetition finds it. */
export interface AcquireBinding {
  readonly keyHash: string;
  readonly requestHash: string;
  readonly leaseId: string;
  /** Seconds. From then on it means nothing. */
  readonly untilUnix: number;
}

export interface KeyRecord {
  /** Committed version; 0 = nothing was ever committed. Never decreases. */
  readonly version: number;
  /** Last token handed out; 0 before the first lease. Never decreases, whatever happens. */
  readonly fencingToken: number;
  /** Seconds; last write of any kind. */
  readonly updatedAtUnix: number;
  readonly state: StoredState | undefined;
  readonly queryHidden: boolean | undefined;
  /** Committed ones, sorted by name. */
  readonly attachments: readonly AttachmentEntry[];
  readonly lease: Lease | undefined;
  readonly staged: Staged | undefined;
  readonly lastCommit: LastCommit | undefined;
  /** Of the last lease, if it was asked for with an idempotency key; outlives its release. */
  readonly binding: AcquireBinding | undefined;
}

/** What a key is before its first lease. Never stored. */
export const absentRecord: KeyRecord = {
  version: 0,
  fencingToken: 0,
  updatedAtUnix: 0,
  state: undefined,
  queryHidden: undefined,
  attachments: noAttachments,
  lease: undefined,
  staged: undefined,
  lastCommit: undefined,
  binding: undefined,
};

/** True once the key was ever acquired; such a record is never deleted: its counter lives on. */
export function exists(record: KeyRecord): boolean {
  return record.fencingToken > 0;
}

/** Name of a key's record in the store. */
export function recordName(namespace: string, key: string): string {
  return `k/${namespace}/${key}`;
}

/** The key in the name of its record. */
export function keyOfRecordName(name: string): Key {
  return name.slice(name.indexOf("/", recordPrefix.length) + 1) as Key;
}

export function namespaceOfRecord(name: string): Namespace {
  return name.slice(recordPrefix.length, name.indexOf("/", recordPrefix.length)) as Namespace;
}

/** Prefix of all records, for sweeping. */
export const recordPrefix = "k/";

/** A name never used before for bytes beside the record; it tells which key it belongs to. */
export function stateObjectName(namespace: string, key: string, unique: string): string {
  return `b/${namespace}/${key}/${unique}`;
}

/** Prefix of all objects that hold states and payloads, for sweeping. */
export const stateObjectPrefix = "b/";
