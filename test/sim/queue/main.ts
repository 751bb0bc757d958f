/** The queues as `npm run sim` runs them and replays them. */
import { type SeedPlan, Stopwatch, seedsOf, showFailed, showReplayed } from "../seed-plan.ts";
import { runQueueCampaign } from "./campaign.ts";
import { describeQueueScenario, queueScenarioOf } from "./scenario.ts";
import { runQueueScenario } from "./world.ts";

export async function queueCampaign(plan: SeedPlan): Promise<boolean> {
  const watch = new Stopwatch(plan);
  const seeds = seedsOf(plan);
  const tally = await runQueueCampaign({ seeds, enough: () => watch.isOver });
  const { operations, storeCalls, delivered, failed } = tally;
  console.log(
    `sim queues: ${tally.seeds} seeds, ${operations} operations, ${delivered} pages delivered, ` +
      `${storeCalls} store calls in ${watch.seconds.toFixed(0)} s; ${failed.length} failed`,
  );
  showFailed(failed, "queues");
  return failed.length === 0;
}

export async function replayQueues(seed: number, trace: boolean): Promise<boolean> {
  const scenario = queueScenarioOf(seed);
  console.log(describeQueueScenario(scenario));
  return showReplayed(await runQueueScenario(scenario, { trace: true }), trace);
}
