/** Tidying up while nobody asks for anything. */
import type { Clock } from "../../engine/ports/clock.ts";
import type { Telemetry } from "../../engine/ports/telemetry.ts";
import type { SweepBudget } from "../../engine/sweep/sweeper.ts";
import type { ServePlan } from "./serve-plan.ts";

interface IdleSweepParts {
  readonly plan: ServePlan;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly engine: { sweep(budget: SweepBudget): Promise<object> };
  readonly idleMs: () => number;
}

/** Tidies up while nobody asks for anything; stops as soon as somebody does. */
export function idleSweep(parts: IdleSweepParts): { stop(): void } {
  const { plan, clock, telemetry, engine } = parts;
  const abort = new AbortController();
  let timer = arm();
  function arm(): { cancel(): void } {
    return clock.schedule(plan.sweepIntervalMs, () => {
      void run().finally(() => {
        if (!abort.signal.aborted) timer = arm();
      });
    });
  }
  async function run(): Promise<void> {
    if (parts.idleMs() < plan.sweepGraceMs || plan.sweepOpsMax === 0) return;
    const startedMs = clock.monotonicMs();
    const signal = {
      get aborted() {
        // Somebody asked for something since: the last request is younger than this run.
        return abort.signal.aborted || parts.idleMs() < clock.monotonicMs() - startedMs;
      },
    };
    const budget = { opsMax: plan.sweepOpsMax, runtimeMsMax: plan.sweepRuntimeMsMax, signal };
    try {
      const summary = await engine.sweep(budget);
      telemetry.debug("server.lifecycle.core", "sweeper.summary", { ...summary });
    } catch (error) {
      telemetry.warn("server.lifecycle.core", "sweeper.failed", { error: String(error) });
    }
  }
  return {
    stop: () => {
      abort.abort();
      timer.cancel();
    },
  };
}
