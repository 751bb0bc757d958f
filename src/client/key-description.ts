import type { DescribeResult } from "../api/lockd.ts";
import type { KeyDescription } from "./types.ts";

/** A description in the form of the SDK: dates, and the raw seconds beside them. */
export function keyDescription(result: DescribeResult): KeyDescription {
  const { namespace, key, owner, leaseId, expiresAtUnix, updatedAtUnix } = result;
  return {
    namespace,
    key,
    version: result.version,
    stateEtag: result.stateEtag ?? "",
    ...(owner === undefined ? {} : { owner }),
    ...(leaseId === undefined ? {} : { leaseId }),
    ...(expiresAtUnix === undefined ? {} : { expiresAt: new Date(expiresAtUnix * 1_000) }),
    ...(updatedAtUnix === undefined ? {} : { updatedAt: new Date(updatedAtUnix * 1_000) }),
    ...result.metadata,
    raw: {
      ...(expiresAtUnix === undefined ? {} : { expiresAtUnix }),
      ...(updatedAtUnix === undefined ? {} : { updatedAtUnix }),
    },
  };
}
