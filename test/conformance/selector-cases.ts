/**
 * What matches what, asked of stored documents (query-and-lql.md cases 9, 14 to 30): the engine of
 * a namespace must not make a difference.
 */
import type { QueryRequest } from "../../src/api/queries.ts";
import { documentD, matchingCases, tableOfD } from "../lql/matching-tables.ts";
import { expect, type Story, test } from "./lockd-suite.ts";
import { Shelf } from "./query-cases.ts";

const questions = [
  ...tableOfD.map(([text, answer]) => ({ text, document: documentD, answer })),
  ...matchingCases.map(([_case, text, document, answer]) => ({ text, document, answer })),
];

const documents = [...new Set(questions.map(({ document }) => document)), "[1,2]", "null"];

const both = { eq: { field: "/a", value: 1 }, or: [{ exists: "/b" }, { exists: "/nowhere" }] };
const blue = { icontains: { field: "/tags[]", value: "BLU", ignoreCase: false } };

/** Asks one shelf everything; the first question brings an index up to date. */
async function askAll(shelf: Shelf, first: QueryRequest): Promise<void> {
  const hour = 3_600_000;
  for (const [at, document] of documents.entries()) await shelf.commit(`d${at}`, document);
  await shelf.commit("soon", { when: new Date(Date.now() + hour).toISOString() });
  await shelf.commit("past", { when: new Date(Date.now() - hour).toISOString() });
  expect(await shelf.keys("", first)).toHaveLength(documents.length + 2);
  for (const { text, document, answer } of questions) {
    const key = `d${documents.indexOf(document)}`;
    const found = await shelf.keys(text, { limit: 1_000 });
    expect(found.includes(key), `${text} on ${document}`).toBe(answer);
    for (const array of ["[1,2]", "null"]) {
      expect(found, text).not.toContain(`d${documents.indexOf(array)}`);
    }
  }
  expect(await shelf.keys("date{f=/when,since=now}")).toEqual(["soon"]);
  const asked = async (selector: unknown) =>
    (await shelf.lockd.queries.keys({ namespace: shelf.namespace, selector })).keys;
  const keyOf = (document: string) => `d${documents.indexOf(document)}`;
  expect(await asked(both)).toEqual([keyOf('{"a":1,"b":1}'), keyOf('{"a":1,"b":3}')].sort());
  expect(await asked(blue)).toEqual([keyOf(documentD)]);
}

export function selectorCases(story: Story): void {
  test("9, 14 to 30: by scan", { timeout: 60_000 }, async () => {
    await askAll(await Shelf.scanned(story), {});
  });
}

/** For stores with an index. */
export function indexedSelectorCases(story: Story): void {
  test("9, 14 to 30: by index", { timeout: 60_000 }, async () => {
    await askAll(await Shelf.indexed(story), { refresh: "wait_for" });
  });
}
