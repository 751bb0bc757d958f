/**
 * The simulator: `npm run sim`, `npm run sim -- --seed 7 --trace`, `npm run sim:long`.
 * Ends with 1 when any seed violates a property, and prints how to replay it.
 */
import { parseArgs } from "node:util";
import { keptSeeds, runCampaign, seedsFrom, type Tally } from "./campaign.ts";
import { describeScenario, type ScenarioOverrides, scenarioOf } from "./scenario.ts";
import { runScenario } from "./world.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "250" },
    first: { type: "string", default: "10000" },
    minutes: { type: "string" },
    nodes: { type: "string" },
    clients: { type: "string" },
    steps: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});

function whole(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

const overrides: ScenarioOverrides = {
  nodes: whole(values.nodes),
  clients: whole(values.clients),
  steps: whole(values.steps),
};

async function replay(seed: number): Promise<boolean> {
  const scenario = scenarioOf(seed, overrides);
  console.log(describeScenario(scenario));
  const report = await runScenario(scenario, { trace: true });
  if (values.trace) console.log(report.trace.join("\n"));
  for (const { property, key, text, atMs } of report.violations) {
    console.log(`${property} ${key} at ${atMs.toFixed(1)}: ${text}`);
  }
  console.log(`trace ${report.traceHash}, ${report.operations} operations`);
  return report.violations.length === 0;
}

function show(tally: Tally, seconds: number): void {
  const faults = [...tally.faults].map(([kind, count]) => `${kind} ${count}`).join(", ");
  console.log(
    `sim: ${tally.seeds} seeds, ${tally.operations} operations, ${tally.storeCalls} store calls ` +
      `in ${seconds.toFixed(0)} s; ${tally.inconclusive} of ${tally.keys} searches inconclusive`,
  );
  console.log(`sim: faults injected: ${faults}`);
  for (const { seed, violations } of tally.failed) {
    const [first] = violations;
    console.log(`sim: seed ${seed} violates ${first?.property} on ${first?.key}: ${first?.text}`);
    console.log(`     replay: npm run sim -- --seed ${seed} --trace`);
  }
  console.log(
    `simulator: ${tally.seeds - tally.failed.length} passed, ${tally.failed.length} failed`,
  );
}

async function campaign(): Promise<boolean> {
  const from = performance.now();
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  const count = minutes === undefined ? Number(values.seeds) : Number.MAX_SAFE_INTEGER / 4;
  const seconds = (): number => (performance.now() - from) / 1000;
  const tally = await runCampaign({
    seeds: [...keptSeeds()].concat(
      minutes === undefined ? [...seedsFrom(whole(values.first) ?? 0, count)] : [],
    ),
    overrides,
  });
  if (minutes !== undefined) {
    const long = await runCampaign({
      seeds: seedsFrom(Date.now() % 1_000_000_000, count),
      overrides,
      enough: () => seconds() > minutes * 60,
    });
    show(long, seconds());
    return long.failed.length + tally.failed.length === 0;
  }
  show(tally, seconds());
  return tally.failed.length === 0;
}

const seed = whole(values.seed);
const good = seed === undefined ? await campaign() : await replay(seed);
process.exitCode = good ? 0 : 1;
