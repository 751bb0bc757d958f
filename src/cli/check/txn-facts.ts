import type { Lockd, LockdCall } from "../../api/lockd.ts";
import type { DamagedTxn, TxnSummary } from "../../api/transactions.ts";
import { spanText } from "../status-text.ts";
import type { CheckFacts } from "./check-result.ts";

export const txnMetrics = ["in-doubt", "pending", "pending-age"] as const;

/** Transactions in one page of the list. */
const pageSize = 1000;

/** Pages looked through; beyond them the numbers are a lower bound, and far above any threshold. */
const pagesMax = 100;

/**
 * In doubt: pending beyond its deadline, or decided and not applied everywhere. A damaged one is
 * CRITICAL whatever the thresholds: nobody can finish it.
 */
export async function txnFacts(lockd: Lockd, call: LockdCall): Promise<CheckFacts> {
  // Ages by the clock that the times are of.
  const { nowUnixMs } = await lockd.observation.overview({ limit: 0 }, call);
  const { all, damaged } = await recorded(lockd, call);
  const inDoubt = all.filter((one) => one.inDoubt);
  const pending = all.filter(({ state }) => state === "pending");
  const oldestAtUnix = Math.min(...pending.map(({ createdAtUnix }) => createdAtUnix));
  const ageSeconds = pending.length === 0 ? 0 : Math.max(0, nowUnixMs / 1000 - oldestAtUnix);
  const oldest = pending.length === 0 ? "" : `, oldest ${spanText(ageSeconds * 1000)}`;
  const example = inDoubt[0] === undefined ? "" : ` (lockd txn explain ${inDoubt[0].txnId})`;
  return {
    subject: "transactions",
    metrics: [
      { name: "in-doubt", value: inDoubt.length, unit: "" },
      { name: "pending", value: pending.length, unit: "" },
      { name: "pending-age", value: ageSeconds, unit: "s" },
    ],
    findings: damaged.map(({ detail }) => ({ status: "CRITICAL" as const, text: detail })),
    text: `${pending.length} pending${oldest}, ${inDoubt.length} in doubt${example}`,
  };
}

async function recorded(lockd: Lockd, call: LockdCall) {
  const all: TxnSummary[] = [];
  const damaged: DamagedTxn[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const found = await lockd.transactions.list({ cursor, limit: pageSize }, call);
    all.push(...found.transactions);
    damaged.push(...found.damaged);
    cursor = found.cursor;
    if (cursor === undefined) break;
  }
  return { all, damaged };
}
