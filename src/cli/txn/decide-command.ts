/** What prepare, commit and rollback have in common. */
import { failure } from "../../api/errors.ts";
import type { Lockd } from "../../api/lockd.ts";
import type { DecideRequest, TxnState } from "../../api/transactions.ts";
import { wouldDecide, wouldDecideText } from "../dry-run/would-decide.ts";
import { writeOut } from "../output.ts";
import { persist } from "./persist.ts";
import { outcomeText } from "./txn-output.ts";

export interface DecideCommand {
  readonly lockd: Lockd;
  readonly request: DecideRequest & { readonly txnId: string; readonly state: TxnState };
  readonly call: { readonly signal: AbortSignal; readonly correlationId: string | undefined };
  readonly asJson: boolean;
  readonly dryRun?: boolean | undefined;
}

/**
 * Prints what is recorded.
 * @throws txn_conflict when that is another decision than the one asked for
 */
export async function decideCommand(command: DecideCommand): Promise<void> {
  const { lockd, request, call, asJson, dryRun } = command;
  const { txnId, state } = request;
  if (dryRun === true && state !== "pending") {
    const would = await wouldDecide(lockd, { ...request, txnId, state }, call);
    await writeOut(wouldDecideText(would, asJson));
    return;
  }
  const result = await persist(() => lockd.transactions.decide(request, call), call.signal);
  await writeOut(outcomeText(result, asJson));
  if (result.state === request.state) return;
  throw failure("txn_conflict", `transaction ${result.txnId} is already decided: ${result.state}`);
}
