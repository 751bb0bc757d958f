/** Each promise of docs/guarantees.md names tests that are there, by file, title and number. */
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const root = path.join(import.meta.dirname, "../..");
const page = readFileSync(path.join(root, "docs/guarantees.md"), "utf8");

/** Words of the page that stand for many files. */
const groups: readonly (readonly [words: RegExp, pattern: string])[] = [
  [/\bqueue suite\b/i, "test/conformance/queue*.ts"],
  [/\btransaction suite\b/i, "test/conformance/*txn*.ts"],
  [/(?<!queue |transaction )\bsuite\b/i, "test/conformance/*.ts"],
  [/\bsimulator\b/i, "test/sim/**/*.ts"],
];

const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| promise"))
  .map((line) => line.slice(2, -2).split(" | ") as [string, string]);

/** The files of a folder; or a file with those it takes its cases from, beside it. */
function filesIn(place: string): string[] {
  if (!statSync(path.join(root, place)).isDirectory()) {
    const text = readFileSync(path.join(root, place), "utf8");
    const taken = [...text.matchAll(/from "\.\/([^"]+)"/g)].map(([, file = ""]) => file);
    return [place, ...taken.map((file) => path.posix.join(path.posix.dirname(place), file))];
  }
  return globSync(`${place.replace(/\/$/, "")}/**/*`, { cwd: root }).filter((file) =>
    statSync(path.join(root, file)).isFile(),
  );
}

/** Everything that is wrong with what a promise says it is held by. */
function faults(held: string): string[] {
  const named = [...held.matchAll(/`((?:test|bench)\/[^`]+)`/g)].map(([, file = ""]) => file);
  const missing = named.filter((file) => !existsSync(path.join(root, file)));
  const grouped = groups.flatMap(([words, pattern]) =>
    words.test(held) ? globSync(pattern, { cwd: root }) : [],
  );
  const present = named.filter((file) => !missing.includes(file)).flatMap(filesIn);
  const files = [...new Set([...present, ...grouped])];
  if (files.length === 0) return [...missing, "no test is named"];
  const text = files.map((file) => readFileSync(path.join(root, file), "utf8")).join("\n");
  return [...missing, ...missingTitles(held, text), ...missingCases(held, text)];
}

/** Titles in quotes; an ellipsis stands for what is left out, also `…` for a value in a title. */
function missingTitles(held: string, text: string): string[] {
  const titles = [...held.replace(/`[^`]*`/g, "").matchAll(/"([^"]+)"/g)].map(([, t = ""]) => t);
  const unescaped = text.replaceAll('\\"', '"');
  return titles.filter((title) =>
    title
      .split("…")
      .map((part) => part.trim())
      .some((part) => !unescaped.includes(part)),
  );
}

/** `cases 31 to 36, 50` and `case 76`: numbers that titles of tests begin with or name. */
function missingCases(held: string, text: string): string[] {
  const known = new Set<number>();
  for (const [, numbers = ""] of text.matchAll(
    /(?:["`](?:P\d+ )?|cases? )((?:\d+(?:, | and | to )?)+)/g,
  )) {
    for (const number of expanded(numbers)) known.add(number);
  }
  const asked = [...held.matchAll(/\bcases? ((?:\d+(?:, | and | to )?)+)/g)].flatMap(
    ([, numbers = ""]) => expanded(numbers),
  );
  return asked.filter((number) => !known.has(number)).map((number) => `case ${number}`);
}

function expanded(text: string): number[] {
  const parts = text.split(/, | and /).filter((part) => part !== "");
  return parts.flatMap((part) => {
    const [from = Number.NaN, to = from] = part.split(" to ").map(Number);
    return Number.isNaN(from) ? [] : Array.from({ length: to - from + 1 }, (_, n) => from + n);
  });
}

test("there are promises, and none is a sentence without a test", () => {
  expect(rows.length).toBeGreaterThan(50);
  for (const row of rows.slice(1)) expect(row).toHaveLength(2);
  const prose = page
    .split("\n")
    .filter((line) => line !== "" && !/^(#|\|)/.test(line))
    .filter((line) => !/^(Each sentence names|What is \*not\* promised)/.test(line));
  expect(prose).toEqual([]);
});

test.each(rows.filter(([promise]) => !/^-+$/.test(promise)))("%s", (_, held) => {
  expect(faults(held)).toEqual([]);
});

test("a missing file, title and case are noticed", () => {
  expect(faults("`test/nowhere.test.ts`")).toEqual(["test/nowhere.test.ts", "no test is named"]);
  expect(faults('suite, "no such title at all"')).toEqual(["no such title at all"]);
  expect(faults("queue suite, cases 47 to 48, 9999")).toEqual(["case 9999"]);
  expect(faults("somebody's word")).toEqual(["no test is named"]);
});
