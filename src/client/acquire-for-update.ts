import assert from "node:assert";
import { LockdApiError, LockdTimeoutError } from "../api/errors.ts";
import type { StateResult } from "../api/lockd.ts";
import { AcquirePauses } from "./backoff.ts";
import { callOptions } from "./call-options.ts";
import type { ResolvedSessionOptions } from "./client-options.ts";
import { Snapshot } from "./once-body.ts";
import { pause } from "./pause.ts";
import { type Session, SessionWithState } from "./session.ts";
import type { SessionCore } from "./session-core.ts";
import type { AcquireRequest, Call, CallOptions, StateSnapshot, UpdateContext } from "./types.ts";
import { type AttemptOutcome, isPassingStart, runHandler } from "./update-attempt.ts";

/** A fresh lease, and its state when it came along with it. */
export interface Granted {
  readonly core: SessionCore;
  readonly session: Session;
  readonly state: StateResult | undefined;
}

/** What the steps of section 6 need of the client. */
export interface ForUpdateHost {
  readonly options: ResolvedSessionOptions;
  /** Acquires with the wish for the state in the same answer. */
  grant(request: AcquireRequest, call: CallOptions, make: SessionMaker): Promise<Granted>;
}

/** Builds the session of a grant. */
export type SessionMaker = (core: SessionCore) => Session;

interface Started {
  readonly granted: Granted;
  readonly state: StateSnapshot;
}

/** Runs the handler under the lease, again after failures that pass (client-sdk.md section 6). */
export async function acquireForUpdate<T>(
  host: ForUpdateHost,
  update: {
    readonly request: AcquireRequest;
    readonly handler: (context: UpdateContext) => Promise<T>;
    readonly call: Call<{ retryHandler?: boolean | undefined }> | undefined;
    readonly make: SessionMaker;
  },
): Promise<T> {
  const { retryHandler = true, timeoutMs, ...rest } = callOptions(update.call);
  return await limited(host, { ...rest, timeoutMs }, async (call) => {
    const repeats = new Repeats(host.options, update.request, call.signal);
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await runOnce(host, { ...update, attempt, call, repeats });
      if (outcome.kind === "done") return outcome.value;
      const again = outcome.again && (retryHandler || outcome.handlerRan !== true);
      if (!again || !(await repeats.next(outcome.error))) throw outcome.error;
    }
  });
}

/** A session with its first state, for callers without a handler; it is kept alive. */
export async function startForUpdate(
  host: ForUpdateHost,
  request: AcquireRequest,
  given: Call | undefined,
): Promise<SessionWithState> {
  const call = callOptions(given);
  const repeats = new Repeats(host.options, request, call.signal);
  for (;;) {
    let session: SessionWithState | undefined;
    const make = (core: SessionCore): Session => {
      session = new SessionWithState(core);
      return session;
    };
    try {
      const started = await startOnce(host, { request, call, make });
      assert(session !== undefined, "a grant makes its session");
      session.giveState(started.state);
      session.startKeepAlive(request.ttlMs);
      return session;
    } catch (error) {
      const aborted = call.signal?.aborted === true;
      if (aborted || !isPassingStart(error) || !(await repeats.next(error))) throw error;
    }
  }
}

async function runOnce<T>(
  host: ForUpdateHost,
  run: {
    readonly request: AcquireRequest;
    readonly handler: (context: UpdateContext) => Promise<T>;
    readonly make: SessionMaker;
    readonly attempt: number;
    readonly call: CallOptions;
    readonly repeats: Repeats;
  },
): Promise<AttemptOutcome<T> & { readonly handlerRan?: boolean }> {
  let started: Started;
  try {
    started = await startOnce(host, run);
  } catch (error) {
    const aborted = run.call.signal?.aborted === true;
    return { kind: "failed", error, again: !aborted && isPassingStart(error) };
  }
  const outcome = await runHandler({
    ...started.granted,
    state: started.state,
    ttlMs: run.request.ttlMs,
    attempt: run.attempt,
    signal: run.call.signal,
    handler: run.handler,
    releaseAgain: (release) => releaseAgain(host.options, release),
  });
  return { ...outcome, handlerRan: true };
}

/** Step 1, under forUpdateTimeoutMs. A failed read gives the lease back. */
async function startOnce(
  host: ForUpdateHost,
  start: {
    readonly request: AcquireRequest;
    readonly call: CallOptions;
    readonly make: SessionMaker;
  },
): Promise<Started> {
  const { request, call, make } = start;
  const { clock, forUpdateTimeoutMs } = host.options;
  const endMs = clock.monotonicMs() + (call.timeoutMs ?? forUpdateTimeoutMs);
  const left = (): CallOptions => ({
    ...call,
    timeoutMs: Math.max(1, endMs - clock.monotonicMs()),
  });
  const granted = await host.grant(request, left(), make);
  try {
    const state =
      granted.state === undefined ? await granted.session.get(left()) : new Snapshot(granted.state);
    return { granted, state };
  } catch (error) {
    await granted.session
      .release({ rollback: true, timeoutMs: host.options.closeTimeoutMs })
      .catch(() => granted.core.end());
    throw error;
  }
}

/** Step 6: a passive node has not taken the commit; the handler need not run again. */
async function releaseAgain(
  options: ResolvedSessionOptions,
  release: () => Promise<void>,
): Promise<void> {
  const pauses = new AcquirePauses(options.backoff, options.random);
  for (let repeat = 0; ; repeat += 1) {
    try {
      await release();
      return;
    } catch (error) {
      const passive = error instanceof LockdApiError && error.code === "node_passive";
      const enough = options.failureRetries >= 0 && repeat >= options.failureRetries;
      if (!passive || enough) throw error;
      await pause(options.clock, pauses.next(error.retryAfterMs), undefined);
    }
  }
}

/** Counts new attempts and pauses before each. */
class Repeats {
  readonly #options: ResolvedSessionOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #pauses: AcquirePauses;
  readonly #most: number;
  #count = 0;

  constructor(
    options: ResolvedSessionOptions,
    request: AcquireRequest,
    signal: AbortSignal | undefined,
  ) {
    this.#options = options;
    this.#signal = signal;
    this.#most = request.backoff?.failureRetries ?? options.failureRetries;
    this.#pauses = new AcquirePauses({ ...options.backoff, ...request.backoff }, options.random);
  }

  /** False when there were enough; else resolves after the pause. */
  async next(error: unknown): Promise<boolean> {
    if (this.#most >= 0 && this.#count >= this.#most) return false;
    this.#count += 1;
    const hintMs = error instanceof LockdApiError ? error.retryAfterMs : undefined;
    await pause(this.#options.clock, this.#pauses.next(hintMs), this.#signal);
    return true;
  }
}

/** Turns the limit of the whole call into part of its signal: it also ends the handler. */
async function limited<T>(
  host: ForUpdateHost,
  call: CallOptions,
  run: (call: CallOptions) => Promise<T>,
): Promise<T> {
  const { timeoutMs, signal, ...rest } = call;
  if (timeoutMs === undefined) return await run({ ...rest, signal });
  const limit = new AbortController();
  const timer = host.options.clock.schedule(timeoutMs, () => {
    const message = `acquireForUpdate took more than ${timeoutMs} ms`;
    limit.abort(new LockdTimeoutError("timeout", message, { operation: "acquireForUpdate" }));
  });
  const both = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]);
  try {
    return await run({ ...rest, signal: both });
  } finally {
    timer.cancel();
  }
}
