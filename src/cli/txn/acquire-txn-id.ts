import { LockdError } from "../../api/errors.ts";
import type { Lockd } from "../../api/lockd.ts";
import { firstGiven } from "../lease-input.ts";
import { ownTxnId } from "../work/own-transaction.ts";

interface TxnFlags {
  readonly "txn-id"?: string | undefined;
  readonly "idempotency-key"?: string | undefined;
  readonly implicit?: boolean | undefined;
}

/**
 * The transaction an acquire joins: that of the flag, else that of the shell as long as it is not
 * over, else a new one. It is made here, not by the server, so that later acquires of the shell can
 * join it (cli.md section 7.1); but not for a request that may be repeated: another id would make
 * it another request. Inside `lockd work --transaction` nothing but another id leads out of the
 * message's transaction: when that is over, what is done in it must fail.
 */
export async function acquireTxnId(
  flags: TxnFlags,
  env: NodeJS.ProcessEnv,
  lockd: Lockd,
): Promise<string | undefined> {
  const named = firstGiven(flags["txn-id"]);
  if (named !== undefined) return named;
  const own = ownTxnId(env);
  const ofShell = firstGiven(env.LOCKD_CLIENT_TXN_ID, env.LOCKD_TXN_ID, own);
  if (own !== undefined && ofShell === own) return own;
  if (ofShell !== undefined && !(await isOver(lockd, ofShell))) return ofShell;
  if (own !== undefined) return own;
  if (flags.implicit === true || flags["idempotency-key"] !== undefined) return undefined;
  const { mintTxnId } = await import("../../client/txn/mint-txn-id.ts");
  return mintTxnId(Date.now());
}

/** What a shell exported stays there when its transaction has ended: nobody means to join that. */
async function isOver(lockd: Lockd, txnId: string): Promise<boolean> {
  try {
    return (await lockd.transactions.explain({ txnId })).state !== "pending";
  } catch (error) {
    // Unknown as yet, or to this server: the acquire itself tells what is wrong, if anything is.
    if (error instanceof LockdError) return false;
    throw error;
  }
}
