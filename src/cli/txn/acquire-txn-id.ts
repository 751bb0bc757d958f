import { firstGiven } from "../lease-input.ts";

/**
 * The transaction an acquire joins. A new one is made here, not by the server, so that later
 * acquires of the same shell can join it (cli.md section 7.1); but not for a request that may be
 * repeated: another id would make it another request.
 */
export async function acquireTxnId(
  flags: {
    readonly "txn-id"?: string | undefined;
    readonly "idempotency-key"?: string | undefined;
    readonly implicit?: boolean | undefined;
  },
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const given = firstGiven(flags["txn-id"], env.LOCKD_CLIENT_TXN_ID, env.LOCKD_TXN_ID);
  if (given !== undefined || flags.implicit === true) return given;
  if (flags["idempotency-key"] !== undefined) return undefined;
  const { mintTxnId } = await import("../../client/txn/mint-txn-id.ts");
  return mintTxnId(Date.now());
}
