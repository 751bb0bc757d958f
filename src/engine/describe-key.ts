import type { DescribeResult, KeyAddress, KeyMetadata } from "../api/lockd.ts";
import type { KeyRecord } from "./record/key-record.ts";
import type { CheckedKey } from "./requests/checked.ts";

/** Attributes as they are shown: only what differs from the usual. */
export function metadataOf(queryHidden: boolean | undefined): KeyMetadata {
  return queryHidden === true ? { queryHidden: true } : {};
}

/** What everybody may know of a key. */
export function descriptionOf(
  target: CheckedKey,
  request: KeyAddress,
  record: KeyRecord,
): DescribeResult {
  const { lease } = record;
  return {
    namespace: target.namespace,
    key: request.key ?? target.key,
    owner: lease?.owner,
    leaseId: lease?.id,
    expiresAtUnix: lease?.expiresAtUnix,
    version: record.version,
    stateEtag: record.state?.etag,
    updatedAtUnix: record.updatedAtUnix === 0 ? undefined : record.updatedAtUnix,
    metadata: metadataOf(record.queryHidden),
  };
}
