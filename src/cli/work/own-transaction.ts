/**
 * What the commands that run inside `lockd work --transaction` know of their message's transaction.
 * It has variables of its own: LOCKD_QUEUE_TXN_ID and LOCKD_CLIENT_TXN_ID are also set where nobody
 * would ever commit what was sent under them.
 */
import { appendFile, readFile } from "node:fs/promises";
import type { AcquireResult } from "../../api/lockd.ts";
import { firstGiven } from "../lease-input.ts";
import { note } from "../output.ts";
import { UsageError } from "../usage-error.ts";
import { type KeptKey, keptKeyLine, keptKeysOf } from "./kept-key.ts";

type Env = NodeJS.ProcessEnv;

/** The transaction that the worker decides. */
export const ownTxnVariable = "LOCKD_WORK_TXN_ID";

/** The file in which commands tell the worker what they acquired, so that it keeps it. */
export const ownKeysVariable = "LOCKD_WORK_KEYS";

export function ownTxnId(env: Env): string | undefined {
  return firstGiven(env[ownTxnVariable]);
}

/**
 * A command that decides its message's transaction itself would commit half of what it is about to
 * do, or have the rest of it done in no transaction. @throws UsageError
 */
export function refuseToDecide(txnId: string | undefined, env: Env): void {
  if (txnId === undefined || txnId !== ownTxnId(env)) return;
  throw new UsageError(
    `transaction ${txnId} is decided by lockd work: exit with 0 and everything in it is ` +
      "committed, with any other code and it is rolled back",
  );
}

/** The keys that the message's transaction holds, as far as they were acquired by commands. */
export async function ownKeys(env: Env): Promise<readonly KeptKey[]> {
  const file = firstGiven(env[ownKeysVariable]);
  const txnId = ownTxnId(env);
  if (file === undefined || txnId === undefined) return [];
  // No file, no keys: it is there from the first acquire on.
  return keptKeysOf(await readFile(file, "utf8").catch(() => ""), txnId);
}

/** Has the worker keep the lease for as long as the command runs, if it is of its transaction. */
export async function noteOwnKey(
  lease: AcquireResult,
  ...[ttlSeconds, env]: [number, Env]
): Promise<void> {
  const file = firstGiven(env[ownKeysVariable]);
  if (file === undefined || lease.txnId !== ownTxnId(env)) return;
  try {
    await appendFile(file, keptKeyLine({ ...lease, ttlSeconds }), { mode: 0o600 });
  } catch (error) {
    note(`lockd work does not keep the lease of ${lease.key}: ${(error as Error).message}`);
  }
}
