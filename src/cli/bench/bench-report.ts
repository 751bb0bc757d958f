import { columns } from "../queue/table-text.ts";
import type { Load } from "./load.ts";
import type { BenchResult, Measure } from "./run-bench.ts";
import type { Yardstick } from "./yardsticks.ts";

/** What one cycle of each measure is. */
const cycleTexts: Readonly<Record<Measure["name"], string>> = {
  lease: "acquire, release",
  update: "acquire, update 300 B, release",
  queue: "enqueue 300 B, dequeue, ack",
  txn: "acquire 2, update 2, commit",
};

/** Calls a second against what the yardstick does a second. */
function ratio({ load, calls }: Measure, yardstick: Yardstick): number {
  return (load.perSecond * calls) / yardstick.load.perSecond;
}

const shown = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

const loadCells = (load: Load): string[] => [
  shown(load.perSecond),
  ...[load.p50Ms, load.p95Ms, load.p99Ms, load.maxMs].map(shown),
];

export function benchText(result: BenchResult): string {
  const { place, clients, seconds, yardsticks, measures } = result;
  const head = ["", "PER SECOND", "P50 ms", "P95 ms", "P99 ms", "MAX ms"];
  const ratios = yardsticks.map(({ name }) => `x ${name.toUpperCase()}`);
  const rows = [
    [...head, ...ratios],
    ...yardsticks.map(({ name, load }) => [name, ...loadCells(load)]),
    ...measures.map((measure) => [
      `${measure.name}: ${cycleTexts[measure.name]}`,
      ...loadCells(measure.load),
      ...yardsticks.map((yardstick) => shown(ratio(measure, yardstick))),
    ]),
  ];
  const meaning =
    yardsticks.length === 0 ? "" : "x: calls a second (2, 3, 3 and 5 a cycle) ÷ the yardstick's\n";
  return `${place}, ${clients} clients, ${seconds} s each\n${columns(rows)}${meaning}`;
}

export function benchJson({ place, clients, seconds, yardsticks, measures }: BenchResult) {
  return {
    place,
    clients,
    seconds,
    yardsticks: yardsticks.map(({ name, load }) => ({ name: jsonName(name), ...loadJson(load) })),
    measures: measures.map((measure) => ({
      name: measure.name,
      cycle: cycleTexts[measure.name],
      calls_per_cycle: measure.calls,
      ...loadJson(measure.load),
      ratios: Object.fromEntries(
        yardsticks.map((one) => [jsonName(one.name), rounded(ratio(measure, one))]),
      ),
    })),
  };
}

const jsonName = (name: string): string => name.toLowerCase().replaceAll(" ", "_");
const rounded = (value: number): number => Math.round(value * 1000) / 1000;

function loadJson(load: Load) {
  return {
    count: load.count,
    per_second: rounded(load.perSecond),
    p50_ms: rounded(load.p50Ms),
    p95_ms: rounded(load.p95Ms),
    p99_ms: rounded(load.p99Ms),
    max_ms: rounded(load.maxMs),
  };
}
