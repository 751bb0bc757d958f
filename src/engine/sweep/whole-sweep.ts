import type { SweepBudget, SweepSummary } from "./sweeper.ts";

/** Tidies up one part of the store at a time, going on where it stopped. */
export interface SweepPart {
  sweep(budget: SweepBudget): Promise<SweepSummary>;
}

/** Several parts after each other, as if they were one. */
export class WholeSweep implements SweepPart {
  readonly #parts: readonly SweepPart[];
  #at = 0;

  constructor(parts: readonly SweepPart[]) {
    this.#parts = parts;
  }

  async sweep(budget: SweepBudget): Promise<SweepSummary> {
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
