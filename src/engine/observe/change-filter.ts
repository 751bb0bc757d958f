import { parseDecimal } from "../../api/decimals.ts";
import { failure } from "../../api/errors.ts";
import {
  isXidText,
  type Key,
  type Namespace,
  normalizeKey,
  normalizeNamespace,
} from "../../api/names.ts";
import type { ChangesRequest } from "../../api/observation.ts";
import { recordName, recordPrefix } from "../record/key-record.ts";
import type { ChangeDraft } from "./record-changes.ts";

/** The keys whose states a stream follows without a gap. */
export type FollowedKeys =
  | { readonly kind: "one"; readonly name: string }
  | { readonly kind: "prefix"; readonly prefix: string };

/** A checked {@link ChangesRequest}. */
export interface ChangeFilter {
  readonly namespace: Namespace | undefined;
  readonly key: Key | undefined;
  readonly prefix: string | undefined;
  readonly queue: string | undefined;
  readonly txnId: string | undefined;
  readonly after: string | undefined;
  readonly fromVersion: number | undefined;
}

const prefixForm = /^[a-z0-9._/-]{0,128}$/;

/** @throws invalid_observation, invalid_namespace, invalid_key, invalid_version */
export function checkChanges(request: ChangesRequest, defaultNamespace: string): ChangeFilter {
  const { key, prefix, queue, txnId } = request;
  const subjects = [key, prefix, queue, txnId].filter((subject) => subject !== undefined);
  if (subjects.length > 1) {
    throw failure("invalid_observation", "watch one of: a key, a prefix, a queue, a transaction");
  }
  const fromVersion = parseDecimal(request.fromVersion, "invalid_version", "the version");
  if (fromVersion !== undefined && key === undefined && prefix === undefined) {
    throw failure("invalid_observation", "only a key or a prefix can be watched from a version on");
  }
  if (txnId !== undefined && !isXidText(txnId.trim())) {
    throw failure("invalid_observation", `"${txnId.slice(0, 40)}" is not an xid`);
  }
  const named = (request.namespace ?? "").trim() !== "";
  const keyed = key !== undefined || prefix !== undefined || queue !== undefined;
  return {
    namespace: named || keyed ? normalizeNamespace(request.namespace, defaultNamespace) : undefined,
    key: key === undefined ? undefined : normalizeKey(key),
    prefix: prefix === undefined ? undefined : normalizePrefix(prefix),
    queue: queue?.trim().toLowerCase(),
    txnId: txnId?.trim(),
    after: request.after === "" ? undefined : request.after,
    fromVersion,
  };
}

function normalizePrefix(raw: string): string {
  const text = raw.trim().replace(/^\//, "").toLowerCase();
  if (prefixForm.test(text)) return text;
  throw failure("invalid_key", "a prefix of keys has at most 128 of a-z 0-9 . _ - /");
}

export function matches(filter: ChangeFilter, change: ChangeDraft): boolean {
  const { namespace, key, prefix, queue, txnId } = filter;
  // A decision is about keys of any namespace.
  if (change.kind === "txn_decided" && txnId !== undefined) return change.txnId === txnId;
  if (namespace !== undefined && change.namespace !== namespace) return false;
  if (key !== undefined) return change.key === key;
  if (prefix !== undefined) return change.key?.startsWith(prefix) === true;
  if (queue !== undefined) return change.queue === queue;
  return txnId === undefined || change.txnId === txnId;
}

/** undefined for streams that are about something else than the states of keys. */
export function followedKeys(filter: ChangeFilter): FollowedKeys | undefined {
  const { namespace, key, prefix } = filter;
  if (namespace === undefined) return undefined;
  if (key !== undefined) return { kind: "one", name: recordName(namespace, key) };
  if (prefix === undefined) return undefined;
  return { kind: "prefix", prefix: recordName(namespace, prefix) };
}

/** Where the records of everything that the filter may keep stand. */
export function watchedKeys(filter: ChangeFilter): FollowedKeys {
  const { namespace } = filter;
  const all = namespace === undefined ? recordPrefix : recordName(namespace, "");
  return followedKeys(filter) ?? { kind: "prefix", prefix: all };
}
