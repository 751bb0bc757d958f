/** A key that a command acquired in its message's transaction, as it is told to the worker. */
import type { AcquireResult, LeaseAddress } from "../../api/lockd.ts";
import { normalizeKey, normalizeNamespace } from "../../api/names.ts";

export interface KeptKey extends LeaseAddress {
  readonly namespace: string;
  readonly key: string;
  readonly leaseId: string;
  readonly ttlSeconds: number;
}

export function keptKeyLine(
  key: Pick<AcquireResult, "namespace" | "key" | "leaseId" | "fencingToken"> & {
    readonly ttlSeconds: number;
  },
): string {
  return `${JSON.stringify({
    namespace: key.namespace,
    key: key.key,
    lease_id: key.leaseId,
    fencing_token: key.fencingToken,
    ttl_seconds: key.ttlSeconds,
  })}\n`;
}

/** What is written in whole lines; a line that is none of ours is nobody's key. */
export function keptKeysOf(text: string, txnId: string): readonly KeptKey[] {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.flatMap((line) => {
    const key = keptKeyOf(line, txnId);
    return key === undefined ? [] : [key];
  });
}

function keptKeyOf(line: string, txnId: string): KeptKey | undefined {
  try {
    const told = JSON.parse(line) as Record<string, unknown>;
    const { namespace, key, lease_id: leaseId, fencing_token: token, ttl_seconds: ttl } = told;
    if (typeof key !== "string" || typeof leaseId !== "string" || typeof ttl !== "number") return;
    return {
      namespace: normalizeNamespace(String(namespace), "default"),
      key: normalizeKey(key),
      ...{ leaseId, fencingToken: Number(token), txnId, ttlSeconds: ttl },
    };
  } catch {
    return undefined;
  }
}
