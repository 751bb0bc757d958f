/** A world whose seeds are run one by one, and of which a few counts are told. */
import {
  type Replayed,
  type SeedPlan,
  type SimWorld,
  Stopwatch,
  seedsOf,
  showFailed,
  showReplayed,
} from "./seed-plan.ts";

export interface PlainWorld<Report extends Replayed & { readonly seed: number }> {
  readonly flag: string;
  readonly run: (seed: number, options: { readonly trace?: boolean }) => Promise<Report>;
  /** What a run did, by the name it is told under; summed over all seeds. */
  readonly counts: (report: Report) => Readonly<Record<string, number>>;
}

export function plainWorld<Report extends Replayed & { readonly seed: number }>(
  world: PlainWorld<Report>,
): SimWorld {
  return {
    campaign: (plan) => campaign(world, plan),
    replay: async (seed, trace) => showReplayed(await world.run(seed, { trace: true }), trace),
  };
}

async function campaign<Report extends Replayed & { readonly seed: number }>(
  { flag, run, counts }: PlainWorld<Report>,
  plan: SeedPlan,
): Promise<boolean> {
  const watch = new Stopwatch(plan);
  const sums = new Map<string, number>();
  const failed: Report[] = [];
  let seeds = 0;
  for (const seed of seedsOf(plan)) {
    const report = await run(seed, {});
    seeds += 1;
    for (const [name, count] of Object.entries(counts(report))) {
      sums.set(name, (sums.get(name) ?? 0) + count);
    }
    if (report.violations.length > 0) failed.push(report);
    if (watch.isOver) break;
  }
  const told = [...sums].map(([name, count]) => `${count} ${name}`).join(", ");
  const seconds = watch.seconds.toFixed(0);
  console.log(`sim ${flag}: ${seeds} seeds, ${told} in ${seconds} s; ${failed.length} failed`);
  showFailed(failed, flag);
  return failed.length === 0;
}
