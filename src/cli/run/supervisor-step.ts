/**
 * What `lockd run` does while its child runs, as a pure function: state and event in, next state
 * and effects out. Times are milliseconds of a clock that never jumps.
 *
 * The promise: the child is dead before anyone else can be granted the key. It is asked to stop
 * (SIGTERM) at `termAt` and killed (SIGKILL) at `killAt`, both counted from before the last
 * successful renewal was sent; every success moves both.
 */
import { killAt, type LeaseTiming, renewAt, renewRetryMs, termAt } from "./lease-timing.ts";

export interface SupervisorState {
  readonly timing: LeaseTiming;
  /** When the last request that is known to have succeeded was sent. */
  readonly sureFrom: number;
  readonly renewing: boolean;
  readonly renewNotBefore: number;
  /** Why the child is being stopped; undefined while it may go on. */
  readonly stopping: StopReason | undefined;
  /** When it will be killed although its lease would last longer; undefined: not. */
  readonly killNotAfter: number | undefined;
  readonly killed: boolean;
}

export type StopReason = "lease_lost" | "renewal_overdue";

export type SupervisorEvent =
  | { readonly kind: "tick" }
  | { readonly kind: "renewed"; readonly sentAt: number }
  | { readonly kind: "renewal_failed"; readonly definite: boolean };

export type SupervisorEffect =
  | { readonly kind: "renew" }
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

export function startSupervising(timing: LeaseTiming, sentAt: number): SupervisorState {
  return {
    timing,
    sureFrom: sentAt,
    renewing: false,
    renewNotBefore: renewAt(sentAt, timing),
    stopping: undefined,
    killNotAfter: undefined,
    killed: false,
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
  const killTime = killTimeOf(state);
  if (state.stopping === undefined && now >= termAt(state.sureFrom, state.timing)) {
    state = { ...state, stopping: "renewal_overdue" };
    effects.push({ kind: "terminate" });
  }
  if (!state.killed && state.stopping !== undefined && now >= killTime) {
    state = { ...state, killed: true };
    effects.push({ kind: "kill" });
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

function note(state: SupervisorState, event: SupervisorEvent, now: number): Noted {
  switch (event.kind) {
    case "tick":
      return { state, effects: [] };
    case "renewed":
      return renewed(state, event.sentAt);
    case "renewal_failed":
      return event.definite ? lost(state, now) : failed(state, now);
    default: {
      const never: never = event;
      return never;
    }
  }
}

function renewed(state: SupervisorState, sentAt: number): Noted {
  const { timing } = state;
  // A child that is being stopped is not given more time.
  if (state.stopping !== undefined) return { state: { ...state, renewing: false }, effects: [] };
  const sureFrom = Math.max(state.sureFrom, sentAt);
  const next = { ...state, sureFrom, renewing: false, renewNotBefore: renewAt(sureFrom, timing) };
  return { state: next, effects: [{ kind: "arm_watchdog", killAt: killAt(sureFrom, timing) }] };
}

function failed(state: SupervisorState, now: number): Noted {
  const renewNotBefore = now + renewRetryMs(state.timing);
  return { state: { ...state, renewing: false, renewNotBefore }, effects: [] };
}

function lost(state: SupervisorState, now: number): Noted {
  if (state.stopping !== undefined) return { state: { ...state, renewing: false }, effects: [] };
  const sure = killAt(state.sureFrom, state.timing);
  const killNotAfter = Math.min(sure, now + state.timing.termGraceMs);
  return {
    state: { ...state, renewing: false, stopping: "lease_lost", killNotAfter },
    effects: [{ kind: "terminate" }, { kind: "arm_watchdog", killAt: killNotAfter }],
  };
}

function killTimeOf(state: SupervisorState): number {
  const sure = killAt(state.sureFrom, state.timing);
  return state.killNotAfter === undefined ? sure : Math.min(sure, state.killNotAfter);
}

function wakeAt(state: SupervisorState): number {
  if (state.stopping !== undefined) return state.killed ? Infinity : killTimeOf(state);
  const term = termAt(state.sureFrom, state.timing);
  return state.renewing ? term : Math.min(term, state.renewNotBefore);
}
