/** Which seeds of a world `npm run sim` runs, and what is common to running and replaying them. */
import { seedsFrom } from "./campaign.ts";
import type { Violation } from "./violation.ts";

export interface SeedPlan {
  /** Seeds that ever failed. */
  readonly kept: readonly number[];
  readonly first: number;
  readonly count: number;
  /** Ends it then; undefined: after `count` seeds. */
  readonly minutes: number | undefined;
}

/** A world as the command line knows it. */
export interface SimWorld {
  /** True when every seed was good; prints what was done and how to replay what was not. */
  readonly campaign: (plan: SeedPlan) => Promise<boolean>;
  /** True when the seed was good; prints what it violates, and with `trace` all that happened. */
  readonly replay: (seed: number, trace: boolean) => Promise<boolean>;
}

/** The seeds of a plan in their order; those that failed once come first. */
export function seedsOf({ kept, first, count }: SeedPlan): readonly number[] {
  return [...kept, ...seedsFrom(first, count)];
}

/** How long something takes, and whether the plan's time is over. */
export class Stopwatch {
  readonly #from = performance.now();
  readonly #minutes: number | undefined;

  constructor({ minutes }: Pick<SeedPlan, "minutes">) {
    this.#minutes = minutes;
  }

  get seconds(): number {
    return (performance.now() - this.#from) / 1000;
  }

  get isOver(): boolean {
    return this.#minutes !== undefined && this.seconds > this.#minutes * 60;
  }
}

/** The first violation of each seed that failed, and how to see it again. */
export function showFailed(
  failed: readonly { readonly seed: number; readonly violations: readonly Violation[] }[],
  flag: string | undefined,
): void {
  const world = flag === undefined ? "" : `--${flag} `;
  const title = flag === undefined ? "sim:" : `sim ${flag}:`;
  for (const { seed, violations } of failed) {
    const [first] = violations;
    const what = `${first?.property} ${first?.key}`.trim();
    console.log(`${title} seed ${seed} violates ${what}: ${first?.text}`);
    console.log(`     replay: npm run sim -- ${world}--seed ${seed} --trace`);
  }
}

export interface Replayed {
  readonly violations: readonly Violation[];
  readonly traceHash: string;
  readonly trace: readonly string[];
}

/** What a replay prints at its end; true when the seed was good. */
export function showReplayed({ violations, traceHash, trace }: Replayed, all: boolean): boolean {
  if (all) console.log(trace.join("\n"));
  for (const { property, key, text, atMs } of violations) {
    console.log(`${property} ${key} at ${atMs.toFixed(1)}: ${text}`);
  }
  console.log(`trace ${traceHash}, ${violations.length} violations`);
  return violations.length === 0;
}
