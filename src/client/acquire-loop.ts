import { AlreadyExistsError, LockdApiError, LockdTransportError } from "../api/errors.ts";
import { AcquirePauses } from "./backoff.ts";
import type { CallBackoff } from "./carrier-call.ts";
import type { ClientClock, ClientRandom } from "./client-ports.ts";
import type { CallProgress } from "./failover.ts";
import { pause } from "./pause.ts";

/** How long an acquire waits, and how it is tried. */
export interface AcquireWait<T> {
  /** As asked: -1 none, 0 or absent for ever, > 0 seconds, < -1 the server's limit. */
  readonly blockSeconds: number | undefined;
  readonly backoff: CallBackoff;
  readonly clock: ClientClock;
  readonly random: ClientRandom;
  readonly progress: CallProgress;
  /** One attempt over all endpoints, with the wait to send. */
  attempt(blockSeconds: number): Promise<T>;
}

/**
 * Tries until the lease is granted, the wait is over, or an error says that waiting is pointless
 * (client-sdk.md section 4). When the wait is over the last error is rethrown: `waiting` when the
 * key was held to the end.
 */
export async function acquireWaiting<T>(wait: AcquireWait<T>): Promise<T> {
  const { clock, progress, backoff } = wait;
  const asked = wait.blockSeconds ?? 0;
  if (asked < 0) return await wait.attempt(Math.floor(asked));
  const waitEndMs = waitEnd(asked, clock, progress);
  const pauses = new AcquirePauses(backoff, wait.random);
  let failures = 0;
  for (;;) {
    let failure: unknown;
    try {
      return await wait.attempt(secondsLeft(waitEndMs, clock));
    } catch (error) {
      failure = error;
    }
    if (failure instanceof LockdApiError && worthWaiting(failure)) failures = 0;
    else if (failure instanceof LockdTransportError && !failure.fatal) failures += 1;
    else throw failure;
    if (backoff.failureRetries >= 0 && failures > backoff.failureRetries) throw failure;
    if (failure instanceof LockdApiError && failure.status >= 500) progress.rotation += 1;
    const hintMs = failure instanceof LockdApiError ? failure.retryAfterMs : undefined;
    const leftMs = waitEndMs - clock.monotonicMs();
    if (leftMs <= 0) throw failure;
    await pause(clock, Math.min(pauses.next(hintMs), leftMs), progress.signal);
    if (clock.monotonicMs() >= waitEndMs) throw failure;
  }
}

/** Monotonic end of the wait; infinite when nobody limits it. */
function waitEnd(asked: number, clock: ClientClock, progress: CallProgress): number {
  const own = asked === 0 ? Number.POSITIVE_INFINITY : clock.monotonicMs() + asked * 1_000;
  return Math.min(own, progress.deadlineMs ?? Number.POSITIVE_INFINITY);
}

function secondsLeft(endMs: number, clock: ClientClock): number {
  if (endMs === Number.POSITIVE_INFINITY) return 0;
  return Math.max(1, Math.ceil((endMs - clock.monotonicMs()) / 1_000));
}

/** Held by others, shed load and trouble of the server pass; everything else does not. */
function worthWaiting(error: LockdApiError): boolean {
  if (error instanceof AlreadyExistsError || error.code === "idempotency_conflict") return false;
  return error.status === 409 || error.status === 429 || error.status >= 500;
}
