/** Tidying up while nobody asks for anything. */
import type { Clock } from "../../engine/ports/clock.ts";
import type { Telemetry } from "../../engine/ports/telemetry.ts";
import type { LockdMetrics } from "../../server/metrics/lockd-metrics.ts";
import type { ServePlan } from "./serve-plan.ts";

interface Swept {
  readonly looked: number;
  readonly expiredCleared: number;
  readonly complete: boolean;
}

interface IdleSweepParts {
  readonly plan: ServePlan;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly engine: {
    sweep(budget: { opsMax: number; signal: AbortSignal | undefined }): Promise<Swept>;
  };
  readonly idleMs: () => number;
  readonly measures: LockdMetrics | undefined;
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
    const elapsedMs = () => clock.monotonicMs() - startedMs;
    try {
      const summary = await engine.sweep({ opsMax: plan.sweepOpsMax, signal: abort.signal });
      const cutShort = abort.signal.aborted ? "activity" : "budget_ops";
      note(parts.measures, summary.complete ? "complete" : cutShort, elapsedMs(), summary);
      telemetry.debug("server.lifecycle.core", "sweeper.summary", { ...summary });
    } catch (error) {
      note(parts.measures, "error", elapsedMs());
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

function note(
  measures: LockdMetrics | undefined,
  ...[result, ms, swept]: [string, number, Swept?]
): void {
  if (measures === undefined) return;
  const labels = { lockd_sweeper_result: result };
  measures.count("lockd.sweeper.idle.run", 1, labels);
  measures.observe("lockd.sweeper.idle.duration_ms", ms, labels);
  if (swept === undefined) return;
  measures.observe("lockd.sweeper.idle.ops", swept.looked, labels);
  const cleared = { lockd_sweep_mode: "idle", lockd_lease_kind: "lock" };
  measures.count("lockd.sweep.lease.cleared", swept.expiredCleared, cleared);
}
