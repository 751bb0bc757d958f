import {
  AlreadyExistsError,
  LeaseLostError,
  LockdApiError,
  LockdError,
  LockdTimeoutError,
  LockdTransportError,
} from "../api/errors.ts";
import { CallLimit } from "./call-limit.ts";
import type { Session } from "./session.ts";
import { isOutcomeUnknown, type SessionCore } from "./session-core.ts";
import { wasCommitted } from "./session-release.ts";
import { StateCalls } from "./state-calls.ts";
import type { Call, LeaseSession, StateSnapshot, UpdateContext } from "./types.ts";

/** What became of one attempt of acquireForUpdate. */
export type AttemptOutcome<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "failed"; readonly error: unknown; readonly again: boolean };

export interface AttemptInput<T> {
  readonly session: Session;
  readonly core: SessionCore;
  readonly state: StateSnapshot;
  readonly ttlMs: number;
  readonly attempt: number;
  /** The caller's abort, or the limit of the whole call. */
  readonly signal: AbortSignal | undefined;
  readonly handler: (context: UpdateContext) => Promise<T>;
  /** Repeats a release that a passive node refused. */
  readonly releaseAgain: (release: () => Promise<void>) => Promise<void>;
}

class HandlerContext extends StateCalls implements UpdateContext {
  readonly session: LeaseSession;
  readonly state: StateSnapshot;
  readonly signal: AbortSignal;
  readonly attempt: number;

  constructor(core: SessionCore, input: AttemptInput<unknown>, signal: AbortSignal) {
    super(core);
    this.session = input.session;
    this.state = input.state;
    this.attempt = input.attempt;
    this.signal = signal;
  }

  keepAlive(o?: Call<{ ttlMs?: number | undefined }>): Promise<Date> {
    return this.session.keepAlive(o);
  }
}

/**
 * Runs the handler once under a lease that is kept alive; commits when it returns, rolls back when
 * it throws (client-sdk.md section 6, steps 2 to 6).
 */
export async function runHandler<T>(input: AttemptInput<T>): Promise<AttemptOutcome<T>> {
  const { session, core, state, signal } = input;
  let renewal: { readonly error: unknown } | undefined;
  session.startKeepAlive(input.ttlMs, (error) => {
    renewal = { error };
  });
  const both = signal === undefined ? session.signal : AbortSignal.any([signal, session.signal]);
  let result: { readonly value: T } | undefined;
  let thrown: unknown;
  try {
    result = { value: await input.handler(new HandlerContext(core, input, both)) };
  } catch (error) {
    thrown = error;
  }
  await state.close();
  await session.stopKeepAlive();
  // The handler committed by itself, with its last change.
  if (result !== undefined && core.over) return { kind: "done", value: result.value };
  if (result === undefined || signal?.aborted === true) {
    await rollBack(session, core);
    if (signal?.aborted === true) return { kind: "failed", error: signal.reason, again: false };
    return judgeThrown(core, thrown, renewal?.error);
  }
  if (renewal?.error instanceof LeaseLostError) {
    await rollBack(session, core);
    return { kind: "failed", error: renewal.error, again: true };
  }
  try {
    await input.releaseAgain(() => session.release());
    return { kind: "done", value: result.value };
  } catch (error) {
    return await judgeRelease(input, error, result.value);
  }
}

/** Discards what was staged. That it fails is no news: the lease will run out by itself. */
async function rollBack(session: Session, core: SessionCore): Promise<void> {
  try {
    await session.release({ rollback: true, timeoutMs: core.closeTimeoutMs });
  } catch {
    core.end();
  }
}

function judgeThrown(
  core: SessionCore,
  thrown: unknown,
  renewalError: unknown,
): AttemptOutcome<never> {
  // A handler that stops because its signal aborted speaks of the failed renewal.
  const ofRenewal = renewalError !== undefined && speaksOf(thrown, renewalError);
  if (ofRenewal) return { kind: "failed", error: renewalError, again: isPassing(renewalError) };
  // After a fused commit of unknown outcome a second run might apply the change twice.
  const again = core.raisedHere(thrown) && isPassing(thrown) && !core.commitUnknown;
  return { kind: "failed", error: thrown, again };
}

/**
 * After a failed commit the lease is given back, so that a new attempt need not wait for its end.
 * A lost answer is looked up before the handler may run a second time: after the roll-back the
 * commit either happened before or never will.
 */
async function judgeRelease<T>(
  { session, core }: AttemptInput<T>,
  error: unknown,
  value: T,
): Promise<AttemptOutcome<T>> {
  const passive = error instanceof LockdApiError && error.code === "node_passive";
  if (!(error instanceof LeaseLostError)) await rollBack(session, core);
  if (isOutcomeUnknown(error)) {
    const limit = new CallLimit(core.clock, { timeoutMs: core.closeTimeoutMs });
    const committed = await wasCommitted(core, limit).catch(() => undefined);
    if (committed === true) return { kind: "done", value };
  }
  core.end();
  return { kind: "failed", error, again: !passive && isPassing(error) };
}

function speaksOf(thrown: unknown, reason: unknown): boolean {
  if (thrown === reason) return true;
  if (!(thrown instanceof Error)) return false;
  return thrown.name === "AbortError" || speaksOf(thrown.cause, reason);
}

/** Failures after which a new attempt may succeed (table of section 6). */
export function isPassing(error: unknown): boolean {
  if (error instanceof LeaseLostError) return true;
  if (error instanceof LockdTimeoutError) return error.code === "timeout";
  if (error instanceof LockdTransportError) return !error.fatal;
  if (!(error instanceof LockdApiError) || error instanceof AlreadyExistsError) return false;
  return error.status === 429 || error.status >= 500;
}

/** True for failures of acquire and first read that a new attempt may mend. */
export function isPassingStart(error: unknown): boolean {
  // The waiting acquire has retried connections already; its verdict stands.
  const acquiring = error instanceof LockdError && error.operation === "acquire";
  if (acquiring && error instanceof LockdTransportError) return error.code === "truncated";
  return isPassing(error);
}
