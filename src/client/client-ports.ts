import { performance } from "node:perf_hooks";
import { timerMsMax } from "./limits.ts";

/** Time as the client sees it; every clock of the engine fits. */
export interface ClientClock {
  /** Wall time in milliseconds since the epoch; used for dates only. */
  wallMs(): number;
  /** Elapsed milliseconds; used for every limit and pause. */
  monotonicMs(): number;
  /** Calls `run` once; never keeps a process alive by itself. */
  schedule(delayMs: number, run: () => void): { cancel(): void };
}

/** Randomness of the client: order of endpoints, jitter. */
export interface ClientRandom {
  /** Uniform in [0, 1). */
  fraction(): number;
}

/** The clock of this machine. */
export function systemClientClock(): ClientClock {
  return {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    schedule(delayMs, run) {
      const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), timerMsMax));
      timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
  };
}

/** 48 random bits are plenty for shuffling and jitter. */
const fractionSteps = 2 ** 48 - 1;

/** Randomness that is not predictable from outside, so that clients do not move in step. */
export function systemClientRandom(): ClientRandom {
  return {
    fraction: () => {
      // Loaded when it is used: a command that asks one server once needs no randomness.
      const { randomInt } = process.getBuiltinModule("node:crypto");
      return randomInt(fractionSteps) / fractionSteps;
    },
  };
}
