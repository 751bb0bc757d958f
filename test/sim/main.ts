/**
 * The simulator: `npm run sim`, `npm run sim -- --bank --seed 7 --trace`, `npm run sim:long`.
 * Ends with 1 when any seed violates a property, and prints how to replay it.
 */
import { parseArgs } from "node:util";
import { bankCampaign, replayBank } from "./bank/main.ts";
import { keptSeeds } from "./campaign.ts";
import { coreWorld } from "./core-main.ts";
import { runIndexWorld } from "./index/index-world.ts";
import { plainWorld } from "./plain-world.ts";
import { queueCampaign, replayQueues } from "./queue/main.ts";
import type { SimWorld } from "./seed-plan.ts";
import { runTxnSeed } from "./txn/world.ts";
import { runMoveSeed } from "./txn-move/world.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "150" },
    first: { type: "string" },
    minutes: { type: "string" },
    nodes: { type: "string" },
    clients: { type: "string" },
    steps: { type: "string" },
    queues: { type: "boolean", default: false },
    "queue-seeds": { type: "string", default: "220" },
    bank: { type: "boolean", default: false },
    "bank-seeds": { type: "string", default: "50" },
    txn: { type: "boolean", default: false },
    "txn-seeds": { type: "string", default: "1000" },
    "txn-move": { type: "boolean", default: false },
    "txn-move-seeds": { type: "string", default: "100" },
    index: { type: "boolean", default: false },
    "index-seeds": { type: "string", default: "40" },
    trace: { type: "boolean", default: false },
  },
});

function whole(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

/** A world with what the command line says about it. */
interface Listed {
  readonly world: SimWorld;
  /** Asked for by its flag; the first of the list is the core, which has none. */
  readonly isChosen: boolean;
  readonly seeds: string;
  /** Where `npm run sim` begins; the tests of the worlds look elsewhere. */
  readonly first: number;
  readonly kept: string;
}

const core: Listed = {
  world: coreWorld({
    nodes: whole(values.nodes),
    clients: whole(values.clients),
    steps: whole(values.steps),
  }),
  isChosen: false,
  seeds: values.seeds,
  first: 10_000,
  kept: "seeds.txt",
};

const others: readonly Listed[] = [
  {
    world: { campaign: queueCampaign, replay: replayQueues },
    isChosen: values.queues,
    seeds: values["queue-seeds"],
    // Below there is less to do: see scenario.ts.
    first: 100_000,
    kept: "queue/seeds.txt",
  },
  {
    world: { campaign: bankCampaign, replay: replayBank },
    isChosen: values.bank,
    seeds: values["bank-seeds"],
    first: 10_000,
    kept: "bank/seeds.txt",
  },
  {
    world: plainWorld({
      flag: "txn",
      run: runTxnSeed,
      counts: ({ attempts, committed }) => ({ transactions: attempts, committed }),
    }),
    isChosen: values.txn,
    seeds: values["txn-seeds"],
    first: 10_000,
    kept: "txn/seeds.txt",
  },
  {
    world: plainWorld({
      flag: "txn-move",
      run: runMoveSeed,
      counts: ({ moves, committed }) => ({ transactions: moves, committed }),
    }),
    isChosen: values["txn-move"],
    seeds: values["txn-move-seeds"],
    first: 10_000,
    kept: "txn-move/seeds.txt",
  },
  {
    world: plainWorld({
      flag: "index",
      run: runIndexWorld,
      counts: ({ documents, publications, faults }) => ({ documents, publications, faults }),
    }),
    isChosen: values.index,
    seeds: values["index-seeds"],
    first: 10_000,
    kept: "index/seeds.txt",
  },
];

/** More than any run gets through. */
const seedsMax = 1_000_000;

/** So many seeds, or so many minutes of seeds nobody has seen yet. */
function campaign({ world, seeds, first, kept }: Listed, minutes: number | undefined) {
  const from = whole(values.first) ?? first;
  return world.campaign({
    kept: keptSeeds(kept),
    first: minutes === undefined ? from : Date.now() % 1_000_000_000,
    count: minutes === undefined ? Number(seeds) : seedsMax,
    minutes,
  });
}

/** The worlds that were asked for, or all of them; in minutes each gets the same. */
async function everything(): Promise<boolean> {
  const chosen = others.filter(({ isChosen }) => isChosen);
  const worlds = chosen.length > 0 ? chosen : [...others, core];
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes) / worlds.length;
  let good = true;
  for (const listed of worlds) good = (await campaign(listed, minutes)) && good;
  return good;
}

const seed = whole(values.seed);
const { world } = others.find(({ isChosen }) => isChosen) ?? core;
const good = seed === undefined ? await everything() : await world.replay(seed, values.trace);
process.exitCode = good ? 0 : 1;
