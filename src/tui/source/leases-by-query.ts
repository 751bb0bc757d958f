/**
 * Held keys of a lockd that has no overview, as far as its public API tells: the keys that a query
 * finds, described one by one. Keys without a committed state are not found that way, and neither
 * tokens nor transactions are told.
 */
import type { DescribeResult, Lockd } from "../../api/lockd.ts";
import { describedAtOnce, leasesPerLook } from "../limits.ts";
import type { LeaseRow, LookRequest } from "./dashboard-source.ts";

export interface QueriedLeases {
  readonly lockd: Lockd;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

export async function leasesByQuery(
  parts: QueriedLeases,
  request: LookRequest,
): Promise<readonly LeaseRow[]> {
  const { lockd, now, signal } = parts;
  const namespaces = request.namespaces.length === 0 ? [undefined] : request.namespaces;
  const addresses: { readonly namespace: string; readonly key: string }[] = [];
  for (const namespace of namespaces) {
    const limit = leasesPerLook - addresses.length;
    if (limit <= 0) break;
    const found = await lockd.queries.keys({ namespace, limit }, { signal });
    addresses.push(...found.keys.map((key) => ({ namespace: found.namespace, key })));
  }
  const rows: LeaseRow[] = [];
  for (let from = 0; from < addresses.length; from += describedAtOnce) {
    const some = addresses.slice(from, from + describedAtOnce);
    const told = await Promise.all(some.map((address) => lockd.describe(address, { signal })));
    rows.push(...told.flatMap((one) => leaseRow(one, now()) ?? []));
  }
  return rows.filter(fits(request.filter)).sort(order(request.order));
}

function leaseRow(described: DescribeResult, nowMs: number): LeaseRow | undefined {
  const { namespace, key, owner, leaseId, expiresAtUnix = 0, version } = described;
  const remainingMs = expiresAtUnix * 1000 - nowMs;
  if (owner === undefined || leaseId === undefined || remainingMs <= 0) return undefined;
  const unknown = { txnId: "", fencingToken: 0, acquiredAtUnix: 0, waiters: undefined };
  return { ...unknown, namespace, key, owner, leaseId, remainingMs, version, staged: false };
}

function fits(filter: string): (row: LeaseRow) => boolean {
  const wanted = filter.toLowerCase();
  return ({ namespace, key, owner }) =>
    `${namespace}/${key}`.includes(wanted) || owner.toLowerCase().includes(wanted);
}

function order(by: LookRequest["order"]): (one: LeaseRow, other: LeaseRow) => number {
  const name = ({ namespace, key }: LeaseRow): string => `${namespace}/${key}`;
  return (one, other) =>
    by === "expiry" && one.remainingMs !== other.remainingMs
      ? one.remainingMs - other.remainingMs
      : name(one) < name(other)
        ? -1
        : 1;
}
