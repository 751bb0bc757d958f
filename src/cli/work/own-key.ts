import { LockdError } from "../../api/errors.ts";
import type { AcquireRequest, AcquireResult, Lockd, LockdCall } from "../../api/lockd.ts";
import { saysLost } from "../run/lease-set.ts";
import { sameKey } from "../same-key.ts";
import { ownKeys } from "./own-transaction.ts";

type Env = NodeJS.ProcessEnv;

/**
 * The lease that the message's transaction holds of this key already, renewed. Keys belong to the
 * transaction, not to one of its commands: another acquire in it would wait for itself. Undefined
 * when it holds none, and when the lease turns out to be gone.
 */
export async function ownLease(
  lockd: Pick<Lockd, "keepAlive" | "describe">,
  request: AcquireRequest & { readonly ttlSeconds: number },
  ...[env, call]: [Env, LockdCall]
): Promise<AcquireResult | undefined> {
  // Only a key that never was is asked for: the store says that this one is.
  if (request.ifNotExists === true) return undefined;
  const keys = await ownKeys(env);
  const kept = keys.findLast((one) => one.txnId === request.txnId && sameKey(one, request));
  if (kept === undefined) return undefined;
  const { namespace, key, leaseId, txnId = "" } = kept;
  const ttlSeconds = Math.max(kept.ttlSeconds, request.ttlSeconds);
  try {
    const alive = await lockd.keepAlive({ ...kept, ttlSeconds }, call);
    const { owner = "" } = await lockd.describe({ namespace, key }, call);
    const { correlationId = "" } = call;
    return { ...alive, namespace, key, leaseId, txnId, owner, correlationId, state: undefined };
  } catch (error) {
    if (error instanceof LockdError && saysLost(error)) return undefined;
    throw error;
  }
}
