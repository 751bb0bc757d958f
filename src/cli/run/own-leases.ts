/** Keys that a command could wait for in vain, as it works under their leases itself. */
import { failure, LockdError } from "../../api/errors.ts";
import type { AcquireRequest, KeyAddress, Lockd, LockdCall } from "../../api/lockd.ts";
import { ownKeys } from "../work/own-transaction.ts";
import { runLeasesVariable } from "./run-leases.ts";

/**
 * Refuses to wait for a key that is held by a `lockd run` around this process, or by the
 * transaction of the message whose command it is: both keep it until this process has ended.
 * @throws already_held
 */
export async function refuseOwnKeys(
  lockd: Pick<Lockd, "describe">,
  requests: readonly AcquireRequest[],
  ...[env, call]: [NodeJS.ProcessEnv, LockdCall]
): Promise<void> {
  const ofRuns = (env[runLeasesVariable] ?? "").split(":").filter((id) => id !== "");
  const ofWork = (await ownKeys(env)).map(({ leaseId }) => leaseId);
  const around = new Map([
    ...ofRuns.map((id) => [id, "lockd run"] as const),
    ...ofWork.map((id) => [id, "lockd work"] as const),
  ]);
  if (around.size === 0) return;
  for (const { namespace, key, blockSeconds = 0 } of requests) {
    // Who does not wait is told by the acquire who holds it.
    if (key === undefined || blockSeconds < 0) continue;
    const by = around.get((await holder(lockd, { namespace, key }, call)) ?? "");
    if (by === undefined) continue;
    const text = `the ${by} around this command holds ${key} until this command has ended`;
    throw failure("already_held", text);
  }
}

async function holder(
  lockd: Pick<Lockd, "describe">,
  ...[address, call]: [KeyAddress, LockdCall]
): Promise<string | undefined> {
  try {
    return (await lockd.describe(address, call)).leaseId;
  } catch (error) {
    // The acquire itself tells what is wrong, if anything is.
    if (error instanceof LockdError) return undefined;
    throw error;
  }
}
