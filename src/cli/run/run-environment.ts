import type { AcquireResult } from "../../api/lockd.ts";
import type { Mode } from "../connect.ts";

/** The environment of the child: `lockd get` and `lockd update` in it need no flags. */
export function runEnvironment(
  lease: AcquireResult,
  mode: Mode,
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const merged: NodeJS.ProcessEnv = {
    ...env,
    LOCKD_KEY: lease.key,
    LOCKD_LEASE_ID: lease.leaseId,
    LOCKD_FENCING_TOKEN: String(lease.fencingToken),
    LOCKD_TXN_ID: lease.txnId,
    LOCKD_CLIENT_KEY: lease.key,
    LOCKD_CLIENT_NAMESPACE: lease.namespace,
    LOCKD_CLIENT_LEASE: lease.leaseId,
    LOCKD_CLIENT_FENCING_TOKEN: String(lease.fencingToken),
    LOCKD_CLIENT_TXN_ID: lease.txnId,
    LOCKD_CLIENT_OWNER: lease.owner,
  };
  delete merged.LOCKD_CLIENT_LEASE_ID;
  delete merged.LOCKD_CLIENT_ISLAND;
  if (mode.kind === "inline") {
    delete merged.LOCKD_CLIENT_SERVER;
    return { ...merged, LOCKD_STORE: mode.storeUrl, LOCKD_CLIENT_STORE: mode.storeUrl };
  }
  return { ...merged, LOCKD_CLIENT_SERVER: mode.endpoints };
}
