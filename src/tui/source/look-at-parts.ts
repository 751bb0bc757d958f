/** A look at a lockd that has no overview: what its parts tell, and a word on what they do not. */
import type { QueueSummary } from "../../api/queues.ts";
import type { TxnSummary } from "../../api/transactions.ts";
import type { Look, Trouble } from "./dashboard-source.ts";
import type { LockdSourceOptions } from "./lockd-source.ts";

const notTold = { code: "not_available", detail: "this server does not tell which keys are held" };

/** @throws what the queues' list throws when the lockd cannot be reached at all */
export async function lookAtParts(
  { lockd, about, describe, now }: LockdSourceOptions,
  signal: AbortSignal,
): Promise<Look> {
  // Any answer at all shows that somebody is there.
  await lockd.describe({ key: "lockd-dashboard" }, { signal });
  const trouble: Trouble[] = [{ part: "leases", ...notTold }];
  const had = async <Result>(part: Trouble["part"], get: () => Promise<Result>) => {
    try {
      return await get();
    } catch (error) {
      if (signal.aborted) throw error;
      trouble.push({ part, ...describe(error) });
      return undefined;
    }
  };
  const queues = await had("queues", () => lockd.queues.list({ limit: 100 }, { signal }));
  const transactions = await had("transactions", async () => {
    if (lockd.transactions !== undefined) return lockd.transactions.list({}, { signal });
    const empty: { transactions: readonly TxnSummary[]; cursor: undefined } = {
      transactions: [],
      cursor: undefined,
    };
    const detail = "this server does not tell of transactions";
    trouble.push({ part: "transactions", code: "not_available", detail });
    return empty;
  });
  const noQueues: readonly QueueSummary[] = [];
  return {
    ...about,
    uptimeMs: undefined,
    draining: false,
    nowUnixMs: now(),
    counts: undefined,
    complete: false,
    leases: [],
    cursor: undefined,
    queues: queues?.queues ?? noQueues,
    moreQueues: queues?.cursor !== undefined,
    transactions: transactions?.transactions ?? [],
    moreTransactions: transactions?.cursor !== undefined,
    tc: { mode: "local" },
    qrfState: "disengaged",
    trouble,
  };
}
