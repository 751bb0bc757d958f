import type { AcquireRequest, AcquireResult, Lockd, LockdCall } from "../api/lockd.ts";
import { runLeasesVariable } from "./run/run-leases.ts";
import { noteOwnKey } from "./work/own-transaction.ts";

/**
 * Acquires, for a command that may itself run under leases of ours: a key of the message's
 * transaction is answered with the lease that this has, and one that would never come is refused.
 * @throws already_held, what acquire throws
 */
export async function acquireLease(
  lockd: Lockd,
  request: AcquireRequest & { readonly ttlSeconds: number },
  ...[env, call]: [NodeJS.ProcessEnv, LockdCall]
): Promise<AcquireResult> {
  if (env[runLeasesVariable] !== undefined) {
    const { ownLease } = await import("./work/own-key.ts");
    const own = await ownLease(lockd, request, env, call);
    if (own !== undefined) return own;
    const { refuseOwnKeys } = await import("./run/own-leases.ts");
    await refuseOwnKeys(lockd, [request], env, call);
  }
  const lease = await lockd.acquire(request, call);
  await noteOwnKey(lease, request.ttlSeconds, env);
  return lease;
}
