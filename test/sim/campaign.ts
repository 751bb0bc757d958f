/** Many seeds in a row, what they added up to, and how to replay one that failed. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { FaultKind } from "./faults.ts";
import type { Mutant } from "./mutant.ts";
import { type ScenarioOverrides, scenarioOf } from "./scenario.ts";
import { type RunReport, runScenario } from "./world.ts";

export interface Campaign {
  readonly seeds: Iterable<number>;
  readonly overrides?: ScenarioOverrides;
  readonly mutant?: Mutant;
  /** Ends the campaign early: enough time, or enough found. */
  readonly enough?: (tally: Tally) => boolean;
}

export interface Tally {
  seeds: number;
  operations: number;
  storeCalls: number;
  inconclusive: number;
  keys: number;
  readonly faults: Map<FaultKind, number>;
  /** Reports of seeds that violated something. */
  readonly failed: RunReport[];
}

export async function runCampaign(campaign: Campaign): Promise<Tally> {
  const tally: Tally = {
    seeds: 0,
    operations: 0,
    storeCalls: 0,
    inconclusive: 0,
    keys: 0,
    faults: new Map(),
    failed: [],
  };
  for (const seed of campaign.seeds) {
    const scenario = scenarioOf(seed, campaign.overrides);
    const report = await runScenario(scenario, { mutant: campaign.mutant });
    tally.seeds += 1;
    tally.operations += report.operations;
    tally.storeCalls += report.storeCalls;
    tally.inconclusive += report.checks.inconclusive;
    tally.keys += report.checks.keys;
    for (const [kind, count] of report.faults) {
      tally.faults.set(kind, (tally.faults.get(kind) ?? 0) + count);
    }
    if (report.violations.length > 0) tally.failed.push(report);
    if (campaign.enough?.(tally) === true) break;
  }
  return tally;
}

export function* seedsFrom(first: number, count: number): Generator<number> {
  for (let seed = first; seed < first + count; seed += 1) yield seed;
}

/** Every seed that ever failed, with what it found; kept for ever. */
export function keptSeeds(file = "seeds.txt"): number[] {
  const text = readFileSync(path.join(import.meta.dirname, file), "utf8");
  return text.split("\n").flatMap((line) => (/^\d+/.test(line) ? [Number.parseInt(line, 10)] : []));
}
