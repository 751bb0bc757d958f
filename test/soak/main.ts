/**
 * `npm run soak` (a minute) and `npm run soak:long` (an hour). Needs `npm run build` before. Ends
 * with 1 when anything is left over, or memory grows; a short run only bounds how much it may.
 */
import { parseArgs } from "node:util";
import { growth, median, type Sample, slopePerHour } from "./slope.ts";
import { type SoakReport, soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    /** Per cent an hour that the heap may grow. Only says something over an hour or so. */
    "slope-max": { type: "string" },
  },
});

/** Of the heap, within a short run after its warm-up. */
const growthMax = 1.5;

/** Leftovers that are named; the rest is only counted. */
const namedMax = 20;

const say = (text: string): void => console.log(`soak: ${text}`);

function describe(name: string, samples: readonly Sample[]): string {
  const mib = (median(samples.map(({ bytes }) => bytes)) / 2 ** 20).toFixed(1);
  return `${name} ${mib} MiB (${slopePerHour(samples)?.toFixed(1) ?? "?"} %/h)`;
}

/** How many there are of each kind: what is wrong, whatever thing it is said of. */
function kindsOf(left: readonly string[]): string {
  const kinds = new Map<string, number>();
  for (const text of left) {
    const kind = text.slice(text.indexOf(": ") + 2);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return listed([...kinds].map(([kind, count]) => [`"${kind}"`, count]));
}

/** What is wrong with it, one sentence each. */
function problemsOf({ left, memory, counts }: SoakReport): readonly string[] {
  const problems = left.slice(0, namedMax).map((text) => `left over: ${text}`);
  if (left.length > namedMax) problems.push(`left over in all: ${kindsOf(left)}`);
  for (const [what, count] of Object.entries(counts)) {
    if (count === 0) problems.push(`nothing was ${what}: no soak of that`);
  }
  const limit = values["slope-max"];
  const slope = slopePerHour(memory.heapUsed) ?? Number.POSITIVE_INFINITY;
  if (limit !== undefined && slope > Number(limit)) {
    problems.push(`the heap grows by ${slope.toFixed(2)} % an hour, above ${limit}`);
  }
  const grown = growth(memory.heapUsed);
  if (grown > growthMax) problems.push(`the heap grew to ${grown.toFixed(2)} times its size`);
  return problems;
}

const report = await soak({ seconds: Number(values.seconds), say });
const { counts, memory, refusals } = report;

function listed(entries: Iterable<readonly [string, number]>): string {
  return [...entries].map(([what, count]) => `${count} ${what}`).join(", ");
}

say(listed(Object.entries(counts)));
say(`refused: ${listed(refusals)}`);
const { heapUsed, external, rss } = memory;
const used = [
  describe("heap", heapUsed),
  describe("external", external),
  describe("resident", rss),
];
say(`after collections: ${used.join(", ")}; the slopes of a short run are mostly noise`);
const problems = problemsOf(report);
for (const problem of problems) say(`FAILED: ${problem}`);
console.log(`soak: ${problems.length === 0 ? "passed" : "failed"}`);
process.exitCode = problems.length === 0 ? 0 : 1;
