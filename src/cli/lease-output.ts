/** What acquire prints for `eval`, and for programs (cli.md sections 6 and 7.1). */
import type { AcquireResult } from "../api/lockd.ts";
import type { Mode } from "./connect.ts";
import { exportLine, unsetLine } from "./shell-words.ts";

export function acquireLines(lease: AcquireResult, mode: Mode): string {
  const place =
    mode.kind === "inline"
      ? [exportLine("LOCKD_CLIENT_STORE", mode.storeUrl), unsetLine("LOCKD_CLIENT_SERVER")]
      : [exportLine("LOCKD_CLIENT_SERVER", mode.endpoints)];
  const lines = [
    exportLine("LOCKD_CLIENT_LEASE", lease.leaseId),
    exportLine("LOCKD_CLIENT_KEY", lease.key),
    exportLine("LOCKD_CLIENT_OWNER", lease.owner),
    exportLine("LOCKD_CLIENT_FENCING_TOKEN", lease.fencingToken),
    exportLine("LOCKD_CLIENT_TXN_ID", lease.txnId),
    ...place,
    exportLine("LOCKD_CLIENT_VERSION", lease.version),
    exportLine("LOCKD_CLIENT_ETAG", lease.stateEtag ?? ""),
    exportLine("LOCKD_CLIENT_EXPIRES_UNIX", lease.expiresAtUnix),
    exportLine("LOCKD_CLIENT_NAMESPACE", lease.namespace),
    exportLine("LOCKD_CLIENT_CORRELATION_ID", lease.correlationId),
  ];
  return `${lines.join("\n")}\n`;
}

/** Everything acquire exported. */
const acquireNames = [
  "LEASE",
  "KEY",
  "OWNER",
  "FENCING_TOKEN",
  "TXN_ID",
  "SERVER",
  "STORE",
  "VERSION",
  "ETAG",
  "EXPIRES_UNIX",
  "NAMESPACE",
  "RETRY_AFTER",
  "CORRELATION_ID",
];

export function releaseLines(): string {
  return acquireNames.map((name) => `${unsetLine(`LOCKD_CLIENT_${name}`)}\n`).join("");
}

export function acquireJson(lease: AcquireResult) {
  return {
    namespace: lease.namespace,
    lease_id: lease.leaseId,
    txn_id: lease.txnId,
    key: lease.key,
    owner: lease.owner,
    expires_at_unix: lease.expiresAtUnix,
    version: lease.version,
    state_etag: lease.stateEtag,
    fencing_token: lease.fencingToken,
    correlation_id: lease.correlationId,
  };
}

/** `N (2026-01-31T12:00:00Z)` in seconds. */
export function timeText(unix: number): string {
  return `${unix} (${isoTime(unix)})`;
}

export function isoTime(unix: number): string {
  return new Date(unix * 1000).toISOString().replace(".000Z", "Z");
}
