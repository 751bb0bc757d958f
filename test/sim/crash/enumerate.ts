/** Every place at which the story's process can die, and every place at which its recovery can. */
import type { Mutant } from "../mutant.ts";
import { type CrashMode, CrashRun, type Death } from "./crash-run.ts";

interface FailedRun {
  readonly deaths: readonly Death[];
  readonly violations: readonly string[];
}

export interface Enumeration {
  runs: number;
  /** Runs that ended with the transaction committed, and those that did not. */
  committed: number;
  undone: number;
  /** Deaths of a recovery. */
  secondDeaths: number;
  readonly failures: FailedRun[];
}

/** More points than any life has: what has more is not the story any more. */
const pointsMax = 200;

export async function enumerateDeaths(
  mode: CrashMode,
  options: { readonly mutant?: Mutant; readonly inRecoveryToo: boolean },
): Promise<Enumeration> {
  const sum: Enumeration = { runs: 0, committed: 0, undone: 0, secondDeaths: 0, failures: [] };
  const run = async (deaths: readonly Death[]) => {
    const uninstall = options.mutant?.install?.();
    const report = await new CrashRun(mode, options.mutant).run(deaths).finally(uninstall);
    sum.runs += 1;
    if (report.committed) sum.committed += 1;
    else sum.undone += 1;
    if (report.points > pointsMax) throw new Error(`${report.points} points are too many`);
    const { violations } = report;
    if (violations.length > 0) sum.failures.push({ deaths, violations });
    return report;
  };
  const seen = new Set<string>();
  for (const first of deathsUpTo((await run([])).points, mode)) {
    const { points, left } = await run([first]);
    // A bug that was put there needs to be found once.
    if (options.mutant !== undefined && sum.failures.length > 0) break;
    // The same content is recovered in the same way, whichever death left it.
    if (!options.inRecoveryToo || seen.has(left)) continue;
    seen.add(left);
    for (const second of deathsUpTo(points, mode)) {
      await run([first, second]);
      sum.secondDeaths += 1;
    }
  }
  return sum;
}

/** On a disk of its own what was not synced may be lost or there; elsewhere all is synced. */
function deathsUpTo(points: number, { exclusive }: CrashMode): readonly Death[] {
  const ends = exclusive ? (["lost", "kept"] as const) : (["lost"] as const);
  return Array.from({ length: points }, (_, at) => at + 1).flatMap((at) =>
    ends.map((unsynced) => ({ at, unsynced })),
  );
}
