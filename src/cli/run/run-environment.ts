import path from "node:path";
import type { AcquireResult } from "../../api/lockd.ts";
import type { Mode } from "../connect.ts";
import { leasesVariable } from "../lease-input.ts";
import { reachEnvironment } from "./reach-environment.ts";
import { runLeasesVariable } from "./run-leases.ts";

/** The environment of the child: `lockd get` and `lockd update` in it need no flags. */
export function runEnvironment(
  lease: AcquireResult,
  mode: Mode,
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const merged: NodeJS.ProcessEnv = {
    ...markedEnvironment(lease.leaseId, env),
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
  delete merged[leasesVariable];
  return reachEnvironment(mode, merged);
}

/** What is started in it is found by the lease it works under. */
export function markedEnvironment(leaseId: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const outer = env[runLeasesVariable];
  return { ...env, [runLeasesVariable]: outer === undefined ? leaseId : `${outer}:${leaseId}` };
}

/**
 * All leases of a run with several keys: `lockd update -k KEY` finds the one of its key there, and
 * a `lockd run` in the command that it must not wait for them.
 */
export function addLeases(env: NodeJS.ProcessEnv, leases: readonly AcquireResult[]): void {
  env[leasesVariable] = leases
    .map(({ namespace, key, leaseId, fencingToken }) =>
      [namespace, key, leaseId, fencingToken].join(":"),
    )
    .join(" ");
  const marked = env[runLeasesVariable]?.split(":") ?? [];
  env[runLeasesVariable] = [...new Set([...marked, ...leases.map(({ leaseId }) => leaseId)])].join(
    ":",
  );
}

/** What was said with flags about reaching a server, so that the child needs to say it no more. */
export function clientEnvironment(
  flags: {
    readonly config?: string | undefined;
    readonly context?: string | undefined;
    readonly "disable-mtls"?: boolean | undefined;
  },
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const given = { ...env };
  if (flags.config !== undefined) given.LOCKD_CONFIG = path.resolve(flags.config);
  // Where to go and the namespace are said anyway; limits and mTLS are the context's.
  if (flags.context !== undefined) given.LOCKD_CONTEXT = flags.context;
  if (flags["disable-mtls"] === true) given.LOCKD_CLIENT_DISABLE_MTLS = "1";
  return given;
}
