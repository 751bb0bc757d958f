/**
 * What `lockd run` and `lockd work` do while a child runs, as a pure function: state and event in,
 * next state and effects out. Times are milliseconds of a clock that never jumps.
 *
 * The promise: the child is dead before anyone else can be granted the key or message. It is asked
 * to stop (SIGTERM) at `termAt` and killed (SIGKILL) at `killAt`, both counted from before the last
 * successful renewal was sent; every success moves both.
 */
import {
  type Hold,
  killAt,
  type LeaseTiming,
  lossGraceMs,
  renewAt,
  renewRetryMs,
  termAt,
} from "./lease-timing.ts";

/** Milliseconds between two SIGKILLs: something may have been started while the first was sent. */
const killAgainMs = 250;

export interface SupervisorState {
  readonly timing: LeaseTiming;
  /** What the last request that is known to have succeeded gave us. */
  readonly hold: Hold;
  readonly renewing: boolean;
  readonly renewNotBefore: number;
  /** Renewals that failed since the last one that did not. */
  readonly failures: number;
  /** Why the child is being stopped; undefined while it may go on. */
  readonly stopping: StopReason | undefined;
  /** When it will be killed although its lease would last longer; undefined: not. */
  readonly killNotAfter: number | undefined;
  /** When it was killed last; undefined: not yet. */
  readonly killedAt: number | undefined;
  readonly ended: boolean;
}

export type StopReason = "lease_lost" | "renewal_overdue" | "unguarded";

export type SupervisorEvent =
  | { readonly kind: "tick" }
  | { readonly kind: "renewed"; readonly hold: Hold }
  | { readonly kind: "renewal_failed"; readonly definite: boolean }
  /** The machine slept or its wall clock was set: ask at once whether the lease is still ours. */
  | { readonly kind: "doubted" }
  /** The watchdog cannot be kept running, so that nobody would stop the child in our place. */
  | { readonly kind: "unguarded" }
  | { readonly kind: "child_ended" };

export type SupervisorEffect =
  | { readonly kind: "renew" }
  | { readonly kind: "say"; readonly text: string }
  | { readonly kind: "terminate" }
  | { readonly kind: "kill" }
  /** The watchdog must kill the child at this time if it hears nothing else. */
  | { readonly kind: "arm_watchdog"; readonly killAt: number };

export interface SupervisorStep {
  readonly state: SupervisorState;
  readonly effects: readonly SupervisorEffect[];
  /** Send a tick at this time. */
  readonly wakeAt: number;
}

export function startSupervising(timing: LeaseTiming, hold: Hold): SupervisorState {
  return {
    timing,
    hold,
    renewing: false,
    renewNotBefore: renewAt(hold, timing),
    failures: 0,
    stopping: undefined,
    killNotAfter: undefined,
    killedAt: undefined,
    ended: false,
  };
}

export function superviseStep(
  before: SupervisorState,
  event: SupervisorEvent,
  now: number,
): SupervisorStep {
  const noted = note(before, event, now);
  const effects = [...noted.effects];
  let state = noted.state;
  if (state.stopping === undefined && now >= termAt(state.hold, state.timing)) {
    // A child that has ended is judged too: at `killAt` the watchdog may have ended it, not itself.
    const late = !state.ended || now >= killAt(state.hold);
    if (late) state = { ...state, stopping: "renewal_overdue" };
    if (late && !state.ended) effects.push(say(stopTexts.renewal_overdue), { kind: "terminate" });
  }
  if (state.ended) return { state, effects, wakeAt: Infinity };
  if (state.stopping !== undefined && now >= nextKillAt(state)) {
    if (state.killedAt === undefined) effects.push(say("the command did not stop in time; killed"));
    effects.push({ kind: "kill" });
    state = { ...state, killedAt: now };
  }
  if (state.stopping === undefined && !state.renewing && now >= state.renewNotBefore) {
    state = { ...state, renewing: true };
    effects.push({ kind: "renew" });
  }
  return { state, effects, wakeAt: wakeAt(state) };
}

interface Noted {
  readonly state: SupervisorState;
  readonly effects: readonly SupervisorEffect[];
}

const stopTexts = {
  lease_lost: "the lease is lost; stopping the command",
  renewal_overdue: "the lease could not be renewed in time; stopping the command",
  unguarded: "the watchdog cannot be kept running; stopping the command",
} as const satisfies Record<StopReason, string>;

function say(text: string): SupervisorEffect {
  return { kind: "say", text };
}

function note(state: SupervisorState, event: SupervisorEvent, now: number): Noted {
  switch (event.kind) {
    case "tick":
      return { state, effects: [] };
    case "renewed":
      return renewed(state, event.hold);
    case "renewal_failed":
      return event.definite ? stopped(state, now, "lease_lost") : failed(state, now);
    case "doubted":
      return { state: { ...state, renewNotBefore: now }, effects: [] };
    case "unguarded":
      return stopped(state, now, "unguarded");
    case "child_ended":
      return { state: { ...state, ended: true }, effects: [] };
    default: {
      const never: never = event;
      return never;
    }
  }
}

function renewed(state: SupervisorState, hold: Hold): Noted {
  // A child that is being stopped is not given more time.
  if (state.stopping !== undefined || state.ended) {
    return { state: { ...state, renewing: false }, effects: [] };
  }
  // The newest answer counts, also when it says that the lease ends earlier than was thought.
  const renewNotBefore = renewAt(hold, state.timing);
  const next = { ...state, hold, renewing: false, failures: 0, renewNotBefore };
  const effects: SupervisorEffect[] = [{ kind: "arm_watchdog", killAt: killAt(hold) }];
  if (state.failures > 0) effects.push(say("the lease is renewed again"));
  return { state: next, effects };
}

function failed(state: SupervisorState, now: number): Noted {
  const renewNotBefore = now + renewRetryMs(state.timing);
  const failures = state.failures + 1;
  return { state: { ...state, renewing: false, failures, renewNotBefore }, effects: [] };
}

/** The child has to stop although its time is not over. */
function stopped(state: SupervisorState, now: number, reason: StopReason): Noted {
  const idle = { ...state, renewing: false };
  if (state.stopping !== undefined || state.ended) return { state: idle, effects: [] };
  const grace = reason === "lease_lost" ? lossGraceMs(state.timing) : state.timing.termGraceMs;
  const killNotAfter = Math.min(killAt(state.hold), now + grace);
  return {
    state: { ...idle, stopping: reason, killNotAfter },
    effects: [
      say(stopTexts[reason]),
      { kind: "terminate" },
      { kind: "arm_watchdog", killAt: killNotAfter },
    ],
  };
}

function nextKillAt(state: SupervisorState): number {
  if (state.killedAt !== undefined) return state.killedAt + killAgainMs;
  return Math.min(killAt(state.hold), state.killNotAfter ?? Infinity);
}

function wakeAt(state: SupervisorState): number {
  if (state.stopping !== undefined) return nextKillAt(state);
  const term = termAt(state.hold, state.timing);
  return state.renewing ? term : Math.min(term, state.renewNotBefore);
}
