/**
 * The simulator: `npm run sim`, `npm run sim -- --seed 7 --trace`, `npm run sim:long`.
 * Ends with 1 when any seed violates a property, and prints how to replay it.
 */
import { parseArgs } from "node:util";
import { bankCampaign, replayBank } from "./bank/main.ts";
import { keptSeeds, runCampaign, seedsFrom, type Tally } from "./campaign.ts";
import { runQueueCampaign } from "./queue/campaign.ts";
import { describeQueueScenario, queueScenarioOf } from "./queue/scenario.ts";
import { runQueueScenario } from "./queue/world.ts";
import { describeScenario, type ScenarioOverrides, scenarioOf } from "./scenario.ts";
import type { Violation } from "./violation.ts";
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
    queues: { type: "boolean", default: false },
    "queue-seeds": { type: "string", default: "600" },
    bank: { type: "boolean", default: false },
    "bank-seeds": { type: "string", default: "50" },
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

function showViolations(violations: readonly Violation[]): void {
  for (const { property, key, text, atMs } of violations) {
    console.log(`${property} ${key} at ${atMs.toFixed(1)}: ${text}`);
  }
}

async function replayQueues(seed: number): Promise<boolean> {
  const scenario = queueScenarioOf(seed);
  console.log(describeQueueScenario(scenario));
  const report = await runQueueScenario(scenario, { trace: true });
  if (values.trace) console.log(report.trace.join("\n"));
  showViolations(report.violations);
  console.log(`trace ${report.traceHash}, ${report.operations} operations`);
  return report.violations.length === 0;
}

/** More than any run gets through. */
const seedsMax = 1_000_000;

/** The queue workload: so many seeds, or so many minutes. */
async function queueCampaign(minutes: number | undefined): Promise<boolean> {
  const from = performance.now();
  const seconds = (): number => (performance.now() - from) / 1000;
  const count = minutes === undefined ? Number(values["queue-seeds"]) : seedsMax;
  const first = minutes === undefined ? (whole(values.first) ?? 0) : Date.now() % 1_000_000_000;
  const tally = await runQueueCampaign({
    seeds: [...keptSeeds("queue/seeds.txt"), ...seedsFrom(first, count)],
    enough: () => minutes !== undefined && seconds() > minutes * 60,
  });
  const { seeds, operations, storeCalls, delivered, failed } = tally;
  console.log(
    `sim queues: ${seeds} seeds, ${operations} operations, ${delivered} pages delivered, ` +
      `${storeCalls} store calls in ${seconds().toFixed(0)} s; ${failed.length} failed`,
  );
  for (const { seed, violations } of failed) {
    const [violation] = violations;
    console.log(`sim queues: seed ${seed} violates ${violation?.property}: ${violation?.text}`);
    console.log(`     replay: npm run sim -- --queues --seed ${seed} --trace`);
  }
  return failed.length === 0;
}

async function replay(seed: number): Promise<boolean> {
  const scenario = scenarioOf(seed, overrides);
  console.log(describeScenario(scenario));
  const report = await runScenario(scenario, { trace: true });
  if (values.trace) console.log(report.trace.join("\n"));
  showViolations(report.violations);
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

async function campaign(minutes: number | undefined): Promise<boolean> {
  const from = performance.now();
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

/** The transactions of the bank: so many seeds, or so many minutes. */
function bank(minutes: number | undefined): Promise<boolean> {
  const count = minutes === undefined ? Number(values["bank-seeds"]) : seedsMax;
  const first = minutes === undefined ? (whole(values.first) ?? 0) : Date.now() % 1_000_000_000;
  return bankCampaign({ kept: keptSeeds("bank/seeds.txt"), first, count, minutes });
}

/** The same time for each workload. */
async function everything(): Promise<boolean> {
  const workloads = values.queues
    ? [queueCampaign]
    : values.bank
      ? [bank]
      : [queueCampaign, bank, campaign];
  const minutes =
    values.minutes === undefined ? undefined : Number(values.minutes) / workloads.length;
  let good = true;
  for (const run of workloads) good = (await run(minutes)) && good;
  return good;
}

const seed = whole(values.seed);
const bankTrace = (one: number): Promise<boolean> => replayBank(one, values.trace);
const replayed = values.queues ? replayQueues : values.bank ? bankTrace : replay;
const good = seed === undefined ? await everything() : await replayed(seed);
process.exitCode = good ? 0 : 1;
