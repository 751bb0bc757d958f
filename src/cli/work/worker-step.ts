/**
 * What `lockd work` does next, as a pure function: state and event in, next state and effects out.
 * Times are milliseconds of a clock that never jumps.
 *
 * One message is asked for at a time, whenever there is room for one more command. Told to end, it
 * takes nothing more, lets the commands finish for a while, then stops them; told once more, it
 * kills them at once. It is over when nothing is in its hands.
 */
import { reconnectPauseMs } from "../queue/reconnect.ts";

/** Seconds one request waits for a message at most; then it is asked again. */
const waitSecondsMax = 30;

/** Milliseconds between two requests that come back at once. */
const lookMs = 250;

export interface WorkPlan {
  readonly concurrency: number;
  /** Messages to be taken; Infinity: no end. */
  readonly max: number;
  /** Ends when there was nothing to do for so long; Infinity: never. */
  readonly idleExitMs: number;
  /** How long commands may go on once it is told to end. */
  readonly closeTimeoutMs: number;
  /** Between SIGTERM and SIGKILL of what did not end by then. */
  readonly termGraceMs: number;
}

/** `failed`: what went wrong will go wrong again; the shell knows what it was. */
export type WorkEnding = "max" | "idle" | "signal" | "failed";

export interface WorkerState {
  readonly plan: WorkPlan;
  /** Messages whose commands run. */
  readonly running: number;
  readonly taken: number;
  readonly taking: boolean;
  /** When the last request for a message was made. */
  readonly tookAt: number;
  readonly takeNotBefore: number;
  /** Requests that failed since the last one that did not. */
  readonly failures: number;
  /** Since when nothing was in its hands. */
  readonly idleSince: number;
  readonly ending: WorkEnding | undefined;
  /** When commands are stopped, and when killed; Infinity: not. */
  readonly stopAt: number;
  readonly killAt: number;
  /** Commands had to be stopped. */
  readonly forced: boolean;
}

export type WorkerEvent =
  | { readonly kind: "tick" }
  | { readonly kind: "delivered" }
  /** There was no message, or the request was called off. */
  | { readonly kind: "nothing" }
  | { readonly kind: "take_failed"; readonly text: string; readonly pauseMsMin: number }
  /** `failed`: in a way that no message will be spared. */
  | { readonly kind: "command_ended"; readonly failed?: boolean }
  | { readonly kind: "signal" }
  | { readonly kind: "failed" };

export type WorkerEffect =
  /** Ask for a message; -1: without waiting. */
  | { readonly kind: "take"; readonly waitSeconds: number }
  | { readonly kind: "call_off" }
  | { readonly kind: "stop_commands" }
  | { readonly kind: "kill_commands" }
  | { readonly kind: "say"; readonly text: string };

export interface WorkerStep {
  readonly state: WorkerState;
  readonly effects: readonly WorkerEffect[];
  /** Send a tick at this time. */
  readonly wakeAt: number;
  readonly over: boolean;
}

export function startWorking(plan: WorkPlan, now: number): WorkerState {
  return {
    plan,
    running: 0,
    taken: 0,
    taking: false,
    tookAt: now,
    takeNotBefore: now,
    failures: 0,
    idleSince: now,
    ending: undefined,
    stopAt: Infinity,
    killAt: Infinity,
    forced: false,
  };
}

export function workerStep(before: WorkerState, event: WorkerEvent, now: number): WorkerStep {
  const effects: WorkerEffect[] = [];
  let state = note(before, event, { now, effects });
  const isOver = state.ending !== undefined && state.running === 0 && !state.taking;
  if (isOver) return { state, effects, wakeAt: Infinity, over: true };
  if (now >= state.stopAt) {
    effects.push({ kind: "stop_commands" });
    const killAt = Math.min(state.killAt, now + state.plan.termGraceMs);
    state = { ...state, stopAt: Infinity, killAt, forced: state.forced || state.running > 0 };
  }
  if (now >= state.killAt) {
    effects.push({ kind: "kill_commands" });
    state = { ...state, killAt: Infinity, forced: state.forced || state.running > 0 };
  }
  if (mayTake(state) && now >= state.takeNotBefore) {
    effects.push({ kind: "take", waitSeconds: waitSeconds(state, now) });
    state = { ...state, taking: true, tookAt: now };
  }
  const takeAt = mayTake(state) ? state.takeNotBefore : Infinity;
  const wakeAt = Math.min(takeAt, state.stopAt, state.killAt);
  return { state, effects, wakeAt, over: false };
}

function mayTake({ ending, taking, running, plan }: WorkerState): boolean {
  return ending === undefined && !taking && running < plan.concurrency;
}

function waitSeconds({ plan, running, idleSince }: WorkerState, now: number): number {
  if (plan.idleExitMs < 1_000) return -1;
  const leftMs = running > 0 ? plan.idleExitMs : idleSince + plan.idleExitMs - now;
  return Math.min(waitSecondsMax, Math.max(1, Math.ceil(leftMs / 1000)));
}

interface Noting {
  readonly now: number;
  /** What the event itself leads to is added here. */
  readonly effects: WorkerEffect[];
}

function note(state: WorkerState, event: WorkerEvent, noting: Noting): WorkerState {
  switch (event.kind) {
    case "tick":
      return state;
    case "delivered":
      return delivered(state);
    case "nothing":
      return nothing(state, noting.now);
    case "take_failed":
      return takeFailed(state, event, noting);
    case "command_ended": {
      const next = { ...state, running: state.running - 1, idleSince: noting.now };
      const fails = event.failed === true && next.ending === undefined;
      return fails ? ended(next, "failed", noting) : next;
    }
    case "signal":
      return signalled(state, noting);
    case "failed":
      return state.ending === undefined ? ended(state, "failed", noting) : state;
    default: {
      const never: never = event;
      return never;
    }
  }
}

function delivered(state: WorkerState): WorkerState {
  const taken = state.taken + 1;
  const next = { ...state, taken, running: state.running + 1, taking: false, failures: 0 };
  return taken < state.plan.max ? next : { ...next, ending: state.ending ?? "max" };
}

function nothing(state: WorkerState, now: number): WorkerState {
  const { plan, running, idleSince, ending, tookAt } = state;
  const isIdle = running === 0 && now - idleSince >= plan.idleExitMs;
  const pauseMs = now - tookAt < lookMs ? lookMs : 0;
  return {
    ...state,
    taking: false,
    failures: 0,
    takeNotBefore: now + pauseMs,
    ending: ending ?? (isIdle ? "idle" : undefined),
  };
}

function takeFailed(
  state: WorkerState,
  { text, pauseMsMin }: WorkerEvent & { readonly kind: "take_failed" },
  { now, effects }: Noting,
): WorkerState {
  // One line for all failures in a row.
  if (state.failures === 0 && state.ending === undefined) {
    effects.push({ kind: "say", text: `no messages can be taken: ${text}; trying again` });
  }
  const pauseMs = Math.max(reconnectPauseMs(state.failures), pauseMsMin);
  const failures = state.failures + 1;
  return { ...state, taking: false, failures, takeNotBefore: now + pauseMs };
}

function signalled(state: WorkerState, noting: Noting): WorkerState {
  if (state.ending !== "signal") return ended(state, "signal", noting);
  if (state.running > 0) {
    noting.effects.push({ kind: "say", text: "told to end once more; killing the commands" });
  }
  return { ...state, stopAt: Infinity, killAt: noting.now };
}

/** Nothing more is taken, and what runs gets a while to end. */
function ended(state: WorkerState, ending: WorkEnding, { now, effects }: Noting): WorkerState {
  const { running, plan } = state;
  if (state.taking) effects.push({ kind: "call_off" });
  if (running > 0) {
    const commands = running === 1 ? "1 command" : `${running} commands`;
    const text = `ending; ${commands} may go on for ${plan.closeTimeoutMs / 1000}s`;
    effects.push({ kind: "say", text });
  }
  return { ...state, ending, stopAt: now + plan.closeTimeoutMs };
}
