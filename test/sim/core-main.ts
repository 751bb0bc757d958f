/** Leases, states and attachments as `npm run sim` runs them and replays them. */
import { runCampaign, type Tally } from "./campaign.ts";
import { describeScenario, type ScenarioOverrides, scenarioOf } from "./scenario.ts";
import { type SimWorld, Stopwatch, seedsOf, showFailed, showReplayed } from "./seed-plan.ts";
import { runScenario } from "./world.ts";

export function coreWorld(overrides: ScenarioOverrides): SimWorld {
  return {
    campaign: async (plan) => {
      const watch = new Stopwatch(plan);
      const enough = (): boolean => watch.isOver;
      const tally = await runCampaign({ seeds: seedsOf(plan), overrides, enough });
      show(tally, watch.seconds);
      return tally.failed.length === 0;
    },
    replay: async (seed, trace) => {
      const scenario = scenarioOf(seed, overrides);
      console.log(describeScenario(scenario));
      return showReplayed(await runScenario(scenario, { trace: true }), trace);
    },
  };
}

function show(tally: Tally, seconds: number): void {
  const faults = [...tally.faults].map(([kind, count]) => `${kind} ${count}`).join(", ");
  console.log(
    `sim: ${tally.seeds} seeds, ${tally.operations} operations, ${tally.storeCalls} store calls ` +
      `in ${seconds.toFixed(0)} s; ${tally.inconclusive} of ${tally.keys} searches inconclusive`,
  );
  console.log(`sim: faults injected: ${faults}`);
  showFailed(tally.failed, undefined);
  const { length } = tally.failed;
  console.log(`simulator: ${tally.seeds - length} passed, ${length} failed`);
}
