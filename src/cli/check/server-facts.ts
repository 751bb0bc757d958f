import { hostname } from "node:os";
import type { Lockd, LockdCall } from "../../api/lockd.ts";
import { spanText } from "../status-text.ts";
import type { CheckFacts, Finding } from "./check-result.ts";

export const serverMetrics = ["latency", "held", "waiters"] as const;

/** A key that is never written, unless `write` says so. */
function probeKey(): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9._-]/g, "-")
    .slice(0, 64);
  return `lockd-check/${host === "" ? "host" : host}`;
}

export interface ServerProbe {
  readonly namespace: string | undefined;
  /** Also take and give back a lease, so that a store that cannot be written is found. */
  readonly write: boolean;
}

/** Whether it answers, how fast, and what it says of itself. */
export async function serverFacts(
  lockd: Lockd,
  { namespace, write }: ServerProbe,
  call: LockdCall,
): Promise<CheckFacts> {
  const address = { namespace, key: probeKey() };
  // The first request also opens the connection or the store, which is not what is measured.
  await lockd.status(address, call);
  const startedAt = performance.now();
  if (write) await cycle(lockd, address, call);
  else await lockd.status(address, call);
  const latencyMs = performance.now() - startedAt;
  const overview = await lockd.observation.overview({ limit: 0 }, call);
  const { mode, draining, version, uptimeMs, counts, trouble } = overview;
  const findings: Finding[] = trouble.map(({ part, code }) => ({
    status: "WARNING",
    text: `${part}: ${code}`,
  }));
  if (draining) findings.push({ status: "WARNING", text: "it is shutting down" });
  const asServer = `lockd ${version ?? "of an unknown version"}, up ${spanText(uptimeMs)}`;
  const done = write ? "a lease was taken and given back" : "it answers";
  return {
    subject: mode === "server" ? asServer : `${overview.store}, nobody serves it`,
    metrics: [
      { name: "latency", value: latencyMs, unit: "ms" },
      { name: "held", value: counts.keysHeld, unit: "" },
      ...(counts.waiters === undefined
        ? []
        : [{ name: "waiters", value: counts.waiters, unit: "" } as const]),
    ],
    findings,
    text: `${done} in ${latencyMs.toFixed(1)} ms`,
  };
}

/** Seconds; a probe that dies in the middle blocks the next ones no longer. */
const probeTtlSeconds = 5;

async function cycle(
  lockd: Lockd,
  address: { readonly namespace: string | undefined; readonly key: string },
  call: LockdCall,
): Promise<void> {
  const terms = {
    owner: "lockd check",
    ttlSeconds: probeTtlSeconds,
    blockSeconds: probeTtlSeconds,
  };
  const { leaseId, txnId, fencingToken } = await lockd.acquire({ ...address, ...terms }, call);
  await lockd.release({ ...address, leaseId, txnId, fencingToken }, call);
}
