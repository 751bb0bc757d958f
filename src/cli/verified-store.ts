/** `verify store` with what only an engine can read: whether the records are whole. */
import type { Transactions, TxnListResult } from "../api/transactions.ts";
import type { StoreCheck, StoreReport } from "../storage/verify.ts";
import { reasonOf } from "./config-file.ts";
import { storeIsMade } from "./store-is-made.ts";

const checkName = "StoredTransactions";

/** Transactions in one page, and pages that are read: no store has more open ones. */
const pageSize = 1_000;
const pagesMax = 100;

/** Damaged transactions that are named one by one; of more the number only. */
const namedMax = 20;

/** @throws invalid_store */
export async function verifiedStore(url: string): Promise<StoreReport> {
  const { verifyStore } = await import("../storage/verify.ts");
  const report = await verifyStore(url);
  // What cannot be opened has been told, and a store that is not there yet must not be made.
  const isReadable = report.checks.some(({ name, ok }) => name === "StoredData" && ok);
  if (!isReadable || !(await storeIsMade(url))) return report;
  const check = await transactionsCheck(url);
  return { ...report, checks: [...report.checks, check], passed: report.passed && check.ok };
}

/** Through the server that owns the store, if one does. */
async function transactionsCheck(url: string): Promise<StoreCheck> {
  const { LocalLockd } = await import("../local/local-lockd.ts");
  const lockd = new LocalLockd({ store: url });
  try {
    return await checkTransactions(lockd.transactions);
  } catch (error) {
    return { name: checkName, ok: false, error: reasonOf(error) };
  } finally {
    await lockd.close();
  }
}

/** Not ok also when there are more than are read. @throws what list throws */
export async function checkTransactions(
  transactions: Pick<Transactions, "list">,
): Promise<StoreCheck> {
  const damaged: string[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const page: TxnListResult = await transactions.list({ cursor, limit: pageSize });
    damaged.push(...page.damaged.map(({ detail }) => detail));
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  if (damaged.length === 0 && cursor === undefined) return { name: checkName, ok: true };
  if (cursor !== undefined) {
    damaged.unshift(`there are more than ${pageSize * pagesMax}; the rest was not read`);
  }
  const more = damaged.length - namedMax;
  const rest = more > 0 ? `; and ${more} more` : "";
  return { name: checkName, ok: false, error: damaged.slice(0, namedMax).join("; ") + rest };
}
