/** `lockd status` for people: one glance says whether the key is held, by whom and for how long. */
import type { StatusResult } from "../api/lockd.ts";
import { isoTime } from "./lease-output.ts";
import { plainText } from "./plain-text.ts";

/** `2h 05m`, `3m 20s`, `12s`: two units are enough to act on. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = seconds % 60;
  const two = (value: number): string => String(value).padStart(2, "0");
  if (hours > 0) return `${hours}h ${two(minutes)}m`;
  if (minutes > 0) return `${minutes}m ${two(rest)}s`;
  return `${rest}s`;
}

export function statusText(status: StatusResult): string {
  const name = `${status.namespace}/${status.key}`;
  const lines: [string, string][] = [];
  if (status.held) {
    const { acquiredAtUnix, expiresAtUnix, remainingMs } = status;
    if (acquiredAtUnix !== undefined && expiresAtUnix !== undefined) {
      const heldMs = expiresAtUnix * 1000 - (remainingMs ?? 0) - acquiredAtUnix * 1000;
      lines.push(["since", `${isoTime(acquiredAtUnix)} (${spanText(heldMs)} ago)`]);
      lines.push(["expires", `${isoTime(expiresAtUnix)} (in ${spanText(remainingMs ?? 0)})`]);
    }
    lines.push(["fencing token", String(status.fencingToken)]);
    lines.push(["lease", status.leaseId ?? "-"]);
    lines.push(["transaction", status.txnId ?? "-"]);
  } else {
    lines.push([
      "last token",
      status.fencingToken === 0 ? "none yet" : String(status.fencingToken),
    ]);
  }
  lines.push([
    "waiters",
    status.waiters === undefined ? "known to a server only" : String(status.waiters),
  ]);
  lines.push(["state", stateText(status)]);
  const width = Math.max(...lines.map(([label]) => label.length));
  const head = `${name}  ${headline(status)}`;
  const body = lines.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`);
  return `${[head, ...body].join("\n")}\n`;
}

function headline(status: StatusResult): string {
  if (status.held) return `HELD by ${plainText(status.owner ?? "somebody")}`;
  return status.fencingToken === 0 ? "FREE (never acquired)" : "FREE";
}

function stateText(status: StatusResult): string {
  const staged = status.staged ? ", uncommitted changes staged" : "";
  if (status.stateEtag === undefined)
    return `${status.version === 0 ? "none" : "removed"}${staged}`;
  return `version ${status.version}, etag ${status.stateEtag.slice(0, 12)}${staged}`;
}

export function statusJson(status: StatusResult) {
  return {
    namespace: status.namespace,
    key: status.key,
    held: status.held,
    owner: status.held ? status.owner : undefined,
    lease_id: status.held ? status.leaseId : undefined,
    txn_id: status.txnId,
    fencing_token: status.fencingToken,
    acquired_at_unix: status.acquiredAtUnix,
    expires_at_unix: status.held ? status.expiresAtUnix : undefined,
    remaining_ms: status.remainingMs === undefined ? undefined : Math.round(status.remainingMs),
    waiters: status.waiters,
    version: status.version,
    state_etag: status.stateEtag,
    staged: status.staged,
    updated_at_unix: status.updatedAtUnix,
  };
}
