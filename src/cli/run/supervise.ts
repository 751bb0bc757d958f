/** The shell around `supervisor-step.ts`: real timers, renewals, signals and the watchdog. */
import { LockdError } from "../../api/errors.ts";
import type { LeaseAddress, Lockd } from "../../api/lockd.ts";
import type { ChildEnd, RunningChild } from "./child-process.ts";
import { killAt, type LeaseTiming } from "./lease-timing.ts";
import {
  type StopReason,
  type SupervisorEffect,
  type SupervisorEvent,
  type SupervisorState,
  startSupervising,
  superviseStep,
} from "./supervisor-step.ts";
import type { Watchdog } from "./watchdog.ts";

const lostCodes = new Set(["lease_required", "lease_expired", "fencing_mismatch", "txn_mismatch"]);

/** Milliseconds the wall clock may gain on the monotonic one before we renew at once (sleep). */
const wallJumpMs = 1_000;

/** Milliseconds between two looks at the clocks. */
const lookMs = 500;

export interface SuperviseParts {
  readonly lockd: Lockd;
  readonly lease: LeaseAddress;
  readonly timing: LeaseTiming;
  /** `performance.now()` from before the acquire that was granted was sent. */
  readonly sentAt: number;
  readonly child: RunningChild;
  readonly watchdog: Watchdog;
  readonly say: (text: string) => void;
}

export interface Supervised {
  readonly end: ChildEnd;
  /** Set when the child did not end by itself. */
  readonly stopped: StopReason | undefined;
}

/** Keeps the lease alive while the child runs, and stops the child when that fails. */
export async function supervise(parts: SuperviseParts): Promise<Supervised> {
  const supervisor = new Supervisor(parts);
  supervisor.start();
  const end = await parts.child.ended;
  return { end, stopped: supervisor.stop() };
}

class Supervisor {
  readonly #parts: SuperviseParts;
  #state: SupervisorState;
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  #clockGap = Date.now() - performance.now();

  constructor(parts: SuperviseParts) {
    this.#parts = parts;
    this.#state = startSupervising(parts.timing, parts.sentAt);
  }

  start(): void {
    const { watchdog, timing, sentAt, child } = this.#parts;
    watchdog.watch(child.pid, child.scope, timing.termGraceMs);
    watchdog.killIn(killAt(sentAt, timing) - performance.now());
    this.#step({ kind: "tick" });
  }

  stop(): StopReason | undefined {
    this.#over = true;
    clearTimeout(this.#timer);
    return this.#state.stopping;
  }

  #step(event: SupervisorEvent): void {
    if (this.#over) return;
    const { state, effects, wakeAt } = superviseStep(this.#state, event, performance.now());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    clearTimeout(this.#timer);
    const waitMs = Math.min(lookMs, Math.max(0, wakeAt - performance.now()));
    this.#timer = setTimeout(() => this.#look(), waitMs);
  }

  /** A wall clock that gained on ours means the machine slept: the lease may be over already. */
  #look(): void {
    const gap = Date.now() - performance.now();
    const slept = gap - this.#clockGap > wallJumpMs;
    this.#clockGap = gap;
    if (slept && !this.#state.renewing) {
      this.#state = { ...this.#state, renewNotBefore: performance.now() };
    }
    this.#step({ kind: "tick" });
  }

  #perform(effect: SupervisorEffect): void {
    const { child, watchdog, say } = this.#parts;
    switch (effect.kind) {
      case "renew":
        void this.#renew();
        return;
      case "terminate":
        say(
          this.#state.stopping === "lease_lost"
            ? "the lease is lost; stopping the command"
            : "the lease could not be renewed in time; stopping the command",
        );
        child.signal("SIGTERM");
        // A stopped child would not see the SIGTERM.
        child.signal("SIGCONT");
        return;
      case "kill":
        say("the command did not stop in time; killing it");
        child.signal("SIGKILL");
        return;
      default:
        watchdog.killIn(effect.killAt - performance.now());
    }
  }

  /** One renewal; its time limit is what is left of the lease. */
  async #renew(): Promise<void> {
    const { lockd, lease, timing, say } = this.#parts;
    const sentAt = performance.now();
    const leftMs = Math.max(1, killAt(this.#state.sureFrom, timing) - sentAt);
    const limitMs = Math.min(5_000, leftMs, (timing.ttlSeconds * 1000) / 3);
    try {
      const signal = AbortSignal.timeout(Math.ceil(limitMs));
      await lockd.keepAlive({ ...lease, ttlSeconds: timing.ttlSeconds }, { signal });
      this.#step({ kind: "renewed", sentAt });
    } catch (error) {
      const definite = error instanceof LockdError && lostCodes.has(error.code);
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#over) say(`renewal failed: ${reason}`);
      this.#step({ kind: "renewal_failed", definite });
    }
  }
}
