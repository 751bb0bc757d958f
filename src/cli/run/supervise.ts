/** The shell around `supervisor-step.ts`: real timers, renewals, signals and the watchdog. */
import { AssertionError } from "node:assert";
import type { LeaseClock } from "./lease-clock.ts";
import { type Hold, killAt, type LeaseTiming } from "./lease-timing.ts";
import {
  type StopReason,
  type SupervisorEffect,
  type SupervisorEvent,
  type SupervisorState,
  startSupervising,
  superviseStep,
} from "./supervisor-step.ts";

/** Milliseconds the wall clock may gain on the lease clock before we renew at once. */
const wallJumpMs = 1_000;

/** Milliseconds between two looks at the clocks: after a sleep timers come too late. */
const lookMs = 250;

/** Milliseconds. Longest renewal; another one is tried when it fails. */
const renewMsMax = 5_000;

/** The command as the supervisor sees it. */
export interface SupervisedChild {
  readonly ended: Promise<number>;
  terminate(): void;
  kill(): void;
}

/** How the lease, of a key or of a message, is renewed. */
export interface Renewal {
  /** Resolves with what may be relied on from then; `sentAt` is from before it was called. */
  renew(request: { readonly sentAt: number; readonly signal: AbortSignal }): Promise<Hold>;
  /** True when the failure says that the lease is gone for good. */
  isLost(error: unknown): boolean;
}

export interface SuperviseParts {
  readonly renewal: Renewal;
  readonly timing: LeaseTiming;
  readonly hold: Hold;
  readonly clock: LeaseClock;
  readonly wallMs: () => number;
  readonly child: SupervisedChild;
  readonly watchdog: { killAt(atMs: number): void };
  /** Told by the watchdog's owner when there is none any more. */
  readonly unguarded: AbortSignal;
  readonly say: (text: string) => void;
}

export interface Supervised {
  readonly exitCode: number;
  /** Set when the child did not end by itself, or too late to be sure of the lease. */
  readonly stopped: StopReason | undefined;
  /** Until then nobody else can have been granted the key. */
  readonly sureUntil: number;
}

/** Keeps the lease alive while the child runs, and stops the child when that fails. */
export async function supervise(parts: SuperviseParts): Promise<Supervised> {
  const supervisor = new Supervisor(parts);
  supervisor.start();
  const exitCode = await parts.child.ended;
  const { stopping, hold } = supervisor.stop();
  return { exitCode, stopped: stopping, sureUntil: hold.sureUntil };
}

class Supervisor {
  readonly #parts: SuperviseParts;
  #state: SupervisorState;
  #timer: NodeJS.Timeout | undefined;
  #wallAheadMs: number;

  constructor(parts: SuperviseParts) {
    this.#parts = parts;
    this.#state = startSupervising(parts.timing, parts.hold);
    this.#wallAheadMs = parts.wallMs() - parts.clock.nowMs();
  }

  start(): void {
    const { unguarded } = this.#parts;
    unguarded.addEventListener("abort", () => this.#step({ kind: "unguarded" }));
    this.#step({ kind: unguarded.aborted ? "unguarded" : "tick" });
  }

  /** The child has ended. */
  stop(): SupervisorState {
    this.#step({ kind: "child_ended" });
    return this.#state;
  }

  #step(event: SupervisorEvent): void {
    const { clock } = this.#parts;
    const { state, effects, wakeAt } = superviseStep(this.#state, event, clock.nowMs());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    clearTimeout(this.#timer);
    if (state.ended) return;
    const waitMs = Math.min(lookMs, Math.max(0, wakeAt - clock.nowMs()));
    this.#timer = setTimeout(() => this.#look(), waitMs);
  }

  /** A wall clock that gained on ours was set, or the machine slept: others may see it expired. */
  #look(): void {
    const { clock, wallMs } = this.#parts;
    const ahead = wallMs() - clock.nowMs();
    const jumped = ahead - this.#wallAheadMs > wallJumpMs;
    this.#wallAheadMs = ahead;
    this.#step({ kind: jumped ? "doubted" : "tick" });
  }

  #perform(effect: SupervisorEffect): void {
    const { child, watchdog, say } = this.#parts;
    switch (effect.kind) {
      case "renew":
        void this.#renew();
        return;
      case "say":
        say(effect.text);
        return;
      case "terminate":
        child.terminate();
        return;
      case "kill":
        child.kill();
        return;
      default:
        watchdog.killAt(effect.killAt);
    }
  }

  /** One renewal; its time limit is what is left of the lease. */
  async #renew(): Promise<void> {
    const { renewal, timing, clock, say } = this.#parts;
    const sentAt = clock.nowMs();
    const leftMs = Math.max(1, killAt(this.#state.hold) - sentAt);
    const limitMs = Math.min(renewMsMax, leftMs, (timing.ttlSeconds * 1000) / 3);
    const signal = AbortSignal.timeout(Math.ceil(limitMs));
    try {
      const hold = await renewal.renew({ sentAt, signal });
      this.#step({ kind: "renewed", hold });
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      const definite = renewal.isLost(error);
      const { ended, failures, stopping } = this.#state;
      // One line for all failures in a row; what follows from them is said when it happens.
      if (!ended && stopping === undefined && failures === 0) {
        say(`renewal failed: ${error instanceof Error ? error.message : String(error)}`);
      }
      this.#step({ kind: "renewal_failed", definite });
    }
  }
}
