import type { Lockd, LockdCall, StatusResult } from "../../api/lockd.ts";
import { spanText } from "../status-text.ts";
import type { CheckFacts, Finding } from "./check-result.ts";

export const keyMetrics = ["held-for", "remaining", "waiters"] as const;

export interface KeyProbe {
  readonly namespace: string | undefined;
  readonly key: string;
  readonly expect: string | undefined;
  /** Who should hold it; a star at the end stands for anything. */
  readonly owner: string | undefined;
}

export async function keyFacts(
  lockd: Lockd,
  probe: KeyProbe,
  call: LockdCall,
): Promise<CheckFacts> {
  const { namespace, key } = probe;
  const status = await lockd.status({ namespace, key }, call);
  const heldMs = heldForMs(status);
  const held = status.held
    ? `held by ${status.owner ?? "somebody"} for ${spanText(heldMs)}`
    : "free";
  return {
    subject: `${status.namespace}/${status.key}`,
    metrics: [
      { name: "held-for", value: heldMs / 1000, unit: "s" },
      { name: "remaining", value: (status.remainingMs ?? 0) / 1000, unit: "s" },
      ...(status.waiters === undefined
        ? []
        : [{ name: "waiters", value: status.waiters, unit: "" } as const]),
    ],
    findings: findingsOf(probe, status),
    text: held,
  };
}

function findingsOf({ expect, owner }: KeyProbe, status: StatusResult): Finding[] {
  const critical = (text: string): Finding[] => [{ status: "CRITICAL", text }];
  const holder = status.owner ?? "somebody";
  if (expect === "free" && status.held) return critical(`held by ${holder}`);
  if (!status.held) {
    return expect === "held" || owner !== undefined ? critical("nobody holds it") : [];
  }
  if (owner === undefined || matches(owner, holder)) return [];
  return critical(`held by ${holder}, not by ${owner}`);
}

function matches(pattern: string, owner: string): boolean {
  return pattern.endsWith("*") ? owner.startsWith(pattern.slice(0, -1)) : owner === pattern;
}

/** By the answering side's clock: how long this holder has had it. */
function heldForMs(status: StatusResult): number {
  const { held, acquiredAtUnix, expiresAtUnix, remainingMs } = status;
  if (!held || acquiredAtUnix === undefined || expiresAtUnix === undefined) return 0;
  const now = expiresAtUnix * 1000 - (remainingMs ?? 0);
  return Math.max(0, now - acquiredAtUnix * 1000);
}
