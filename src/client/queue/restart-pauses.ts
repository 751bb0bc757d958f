import { LockdApiError } from "../../api/errors.ts";
import type { ClientRandom } from "../client-ports.ts";
import { restartDefault, retryHintMsMax } from "../limits.ts";
import type { RestartPolicy } from "./queue-types.ts";

/** The policy with its gaps and impossible values filled (http-queue.md 17.2). */
export function restartPolicy(given: Partial<RestartPolicy> = {}): RestartPolicy {
  const valid = (name: keyof RestartPolicy, least: number): number => {
    const value = given[name];
    const usable = value !== undefined && Number.isFinite(value) && value >= least;
    return usable ? value : restartDefault[name];
  };
  const maxMs = valid("maxMs", 1);
  const multiplier = valid("multiplier", 1);
  return {
    immediateRetries: Math.floor(valid("immediateRetries", 0)),
    baseMs: Math.min(valid("baseMs", 1), maxMs),
    multiplier: multiplier <= 1 ? restartDefault.multiplier : multiplier,
    maxMs,
    jitterMs: valid("jitterMs", 0),
    maxFailures: Math.floor(valid("maxFailures", 0)),
  };
}

/** Milliseconds before the next try after so many failures in a row, the last one `error`. */
export function restartPauseMs(
  policy: RestartPolicy,
  random: ClientRandom,
  failed: { readonly failures: number; readonly error: unknown },
): number {
  const hintMs = Math.min(hintOf(failed.error), retryHintMsMax);
  return Math.max(hintMs, ownPauseMs(policy, random, failed.failures));
}

function ownPauseMs(policy: RestartPolicy, random: ClientRandom, failures: number): number {
  const { immediateRetries, baseMs, multiplier, maxMs, jitterMs } = policy;
  if (failures <= immediateRetries) return 0;
  const grown = baseMs * multiplier ** (failures - immediateRetries - 1);
  const jitter = (random.fraction() * 2 - 1) * jitterMs;
  return Math.max(0, Math.min(maxMs, Math.min(maxMs, grown) + jitter));
}

/** Only a server that is full or away says when to come back. */
function hintOf(error: unknown): number {
  if (!(error instanceof LockdApiError)) return 0;
  return error.status === 429 || error.status === 503 ? (error.retryAfterMs ?? 0) : 0;
}

const fatalCodes = new Set([
  "namespace_forbidden",
  "forbidden",
  "unauthorized",
  "permission_denied",
]);

/** True when no later try can go better. */
export function isFatal(error: unknown): boolean {
  if (!(error instanceof LockdApiError)) return false;
  return error.status === 401 || error.status === 403 || fatalCodes.has(error.code);
}
