/** A look at a lockd that has no overview: what its parts tell, and a word on what they do not. */
import type { Look, LookRequest, Trouble } from "./dashboard-source.ts";
import { leasesByQuery } from "./leases-by-query.ts";
import type { LockdSourceOptions } from "./lockd-source.ts";

/** @throws when the lockd cannot be reached at all */
export async function lookAtParts(
  { lockd, about, describe, now }: LockdSourceOptions,
  request: LookRequest,
  signal: AbortSignal,
): Promise<Look> {
  // Any answer at all shows that somebody is there.
  await lockd.describe({ key: "lockd-dashboard" }, { signal });
  const trouble: Trouble[] = [];
  const had = async <Result>(part: Trouble["part"], get: () => Promise<Result>) => {
    try {
      return await get();
    } catch (error) {
      if (signal.aborted) throw error;
      trouble.push({ part, ...describe(error) });
      return undefined;
    }
  };
  const leases = await had("leases", () => leasesByQuery({ lockd, now, signal }, request));
  const queues = await had("queues", () => lockd.queues.list({ limit: 100 }, { signal }));
  const transactions = await had("transactions", () => lockd.transactions.list({}, { signal }));
  for (const { detail } of transactions?.damaged ?? []) {
    trouble.push({ part: "transactions", code: "store_corrupt", detail });
  }
  return {
    ...about,
    uptimeMs: undefined,
    draining: false,
    nowUnixMs: now(),
    counts: undefined,
    complete: false,
    leases: leases ?? [],
    cursor: undefined,
    queues: queues?.queues ?? [],
    moreQueues: queues?.cursor !== undefined,
    transactions: transactions?.transactions ?? [],
    moreTransactions: transactions?.cursor !== undefined,
    tc: { mode: "local" },
    qrfState: "disengaged",
    trouble,
  };
}
