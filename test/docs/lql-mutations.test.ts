/** The worked examples of docs/lql.md do what the page says. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { applyToBytes } from "../../src/lql/mutation/apply-mutations.ts";
import { parseMutations } from "../../src/lql/mutation/parse-mutations.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../docs/lql.md"), "utf8");
const mutations = page.slice(page.indexOf("### Ten mutations at work"));
const example = /```json\n(.*)\n```\n```lql\n([^`]*)\n```\n```json\n(.*)\n```/g;
const examples = [...mutations.matchAll(example)].map(([, ...parts]) => parts);

test("there are ten of them", () => {
  expect(examples).toHaveLength(10);
});

test.each(examples)("%s %s", (before, expressions, after) => {
  const parsed = parseMutations(expressions ?? "", { now: new Date(0), files: "refuse" });
  expect(Buffer.from(applyToBytes(Buffer.from(before ?? ""), parsed)).toString()).toBe(after);
});

test("the forms of the table parse", () => {
  const table = page.slice(page.indexOf("| form | effect |"), page.indexOf("Several expressions"));
  const forms = table.split("\n").flatMap((line) => {
    const cell = /^\| (.*?) \| /.exec(line)?.[1] ?? "";
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, form]) => form ?? "");
  });
  const whole = forms.filter((form) => form.includes("/"));
  expect(whole.length).toBeGreaterThan(12);
  for (const form of whole) parseMutations([form], { now: new Date(0), files: "allow" });
});
