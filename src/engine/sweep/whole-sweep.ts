import type { Meter } from "../metering/meter.ts";
import type { Clock } from "../ports/clock.ts";
import type { SweepBudget, SweepSummary } from "./sweeper.ts";

/** Tidies up one part of the store at a time, going on where it stopped. */
export interface SweepPart {
  sweep(budget: SweepBudget): Promise<SweepSummary>;
}

/** Several parts after each other, as if they were one. */
export class WholeSweep implements SweepPart {
  readonly #ports: { readonly meter: Meter; readonly clock: Clock };
  readonly #parts: readonly SweepPart[];
  #at = 0;

  constructor(
    ports: { readonly meter: Meter; readonly clock: Clock },
    parts: readonly SweepPart[],
  ) {
    this.#ports = ports;
    this.#parts = parts;
  }

  async sweep(budget: SweepBudget): Promise<SweepSummary> {
    const { meter, clock } = this.#ports;
    const { signal: asked, runtimeMsMax = Number.POSITIVE_INFINITY } = budget;
    const startedMs = clock.monotonicMs();
    const isLate = (): boolean => clock.monotonicMs() - startedMs >= runtimeMsMax;
    const signal = {
      get aborted() {
        return asked?.aborted === true || isLate();
      },
    };
    let result = "error";
    try {
      const summary = await this.#sweepParts({ ...budget, signal });
      if (summary.complete) result = "complete";
      else if (asked?.aborted === true) result = "activity";
      else result = isLate() ? "budget_runtime" : "budget_ops";
      meter.observe("sweeper.idle.ops", [result], summary.looked);
      return summary;
    } finally {
      meter.count("sweeper.idle.run", [result]);
      meter.observe("sweeper.idle.duration_ms", [result], clock.monotonicMs() - startedMs);
    }
  }

  async #sweepParts(budget: SweepBudget): Promise<SweepSummary> {
    let sum = { looked: 0, expiredCleared: 0, orphansDeleted: 0 };
    for (; this.#at < this.#parts.length; this.#at += 1) {
      const left = { ...budget, opsMax: budget.opsMax - sum.looked };
      const part = await this.#parts[this.#at]?.sweep(left);
      if (part === undefined) break;
      sum = {
        looked: sum.looked + part.looked,
        expiredCleared: sum.expiredCleared + part.expiredCleared,
        orphansDeleted: sum.orphansDeleted + part.orphansDeleted,
      };
      if (!part.complete) return { ...sum, complete: false };
    }
    this.#at = 0;
    return { ...sum, complete: true };
  }
}
