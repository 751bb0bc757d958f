/** Many seeds of the queue workload in a row, and what they added up to. */
import type { FaultKind } from "../faults.ts";
import type { Mutant } from "../mutant.ts";
import { queueScenarioOf } from "./scenario.ts";
import { type QueueReport, runQueueScenario } from "./world.ts";

export interface QueueCampaign {
  readonly seeds: Iterable<number>;
  readonly mutant?: Mutant;
  readonly enough?: (tally: QueueTally) => boolean;
}

export interface QueueTally {
  seeds: number;
  operations: number;
  storeCalls: number;
  delivered: number;
  readonly faults: Map<FaultKind, number>;
  readonly failed: QueueReport[];
}

export async function runQueueCampaign(campaign: QueueCampaign): Promise<QueueTally> {
  const tally: QueueTally = {
    seeds: 0,
    operations: 0,
    storeCalls: 0,
    delivered: 0,
    faults: new Map(),
    failed: [],
  };
  for (const seed of campaign.seeds) {
    const { mutant } = campaign;
    const options = mutant === undefined ? {} : { mutant };
    const report = await runQueueScenario(queueScenarioOf(seed), options);
    tally.seeds += 1;
    tally.operations += report.operations;
    tally.storeCalls += report.storeCalls;
    tally.delivered += report.delivered;
    for (const [kind, count] of report.faults) {
      tally.faults.set(kind, (tally.faults.get(kind) ?? 0) + count);
    }
    if (report.violations.length > 0) tally.failed.push(report);
    if (campaign.enough?.(tally) === true) break;
  }
  return tally;
}
