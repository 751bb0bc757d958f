/** Terms and plan alone, without a store: quick enough for many documents and selectors. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { documentTerms } from "../../../../src/engine/query/index/document-terms.ts";
import { indexPlanOf } from "../../../../src/engine/query/index/index-plan.ts";
import { PlanMatcher } from "../../../../src/engine/query/index/segments/plan-matcher.ts";
import { SegmentPaths, segmentRoot } from "../../../../src/engine/query/index/segments/segment.ts";
import { compileSelector } from "../../../../src/lql/match/compile-selector.ts";
import { checkSelector } from "../../../../src/lql/selector/check-selector.ts";
import { parseSelector } from "../../../../src/lql/selector/parse-selector.ts";
import type { Selector } from "../../../../src/lql/selector/selector.ts";
import { documents, selectors } from "../../../lql/arbitrary-selectors.ts";

const nowMs = Date.UTC(2025, 2, 2, 4, 30, 0, 500);

function mayMatch(json: Selector, document: string): boolean {
  const paths = new SegmentPaths();
  const content = documentTerms(Buffer.from(document), segmentRoot, paths);
  const matcher = new PlanMatcher(indexPlanOf(checkSelector(json), nowMs));
  return matcher.mayMatch(content, { paths, documents: [] });
}

function matches(json: Selector, document: string): boolean {
  return compileSelector(checkSelector(json), { nowMs }).matches(Buffer.from(document));
}

test("no document that matches is refused, and most others are", () => {
  const seen = { matching: 0, refused: 0, others: 0 };
  fc.assert(
    fc.property(selectors, fc.array(documents, { minLength: 8, maxLength: 8 }), (json, texts) => {
      for (const text of texts) {
        const found = mayMatch(json, text);
        if (matches(json, text)) {
          seen.matching += 1;
          expect({ json, text, found }).toMatchObject({ found: true });
        } else {
          seen.others += 1;
          if (!found) seen.refused += 1;
        }
      }
    }),
    { numRuns: 2_500 },
  );
  expect(seen.matching).toBeGreaterThan(1_000);
  expect(seen.refused / seen.others).toBeGreaterThan(0.5);
}, 60_000);

const document = JSON.stringify({
  s: "Open",
  n: 10,
  b: true,
  z: null,
  e: "",
  tags: ["red", "Blue"],
  o: {},
  d: "2025-03-01",
  t: "2025-03-01T23:30:00-05:00",
  ns: "12",
  list: [{ v: 1 }, { v: "two words" }],
  long: `${"x".repeat(100)}needle${"y".repeat(100)}`,
}).replace("{", '{"big":9007199254740993,');

/** Found although it takes more than equal texts. */
const found = [
  "/n=1e1",
  "/n='10'",
  "/n='10.00'",
  "/b=TRUE",
  "contains{field=/z}",
  "contains{f=/e,v=''}",
  "exists{/o}",
  "/tags/1=Blue",
  "icontains{f=/tags[],v=BLU}",
  "/ns>11",
  "/t=2025-03-01",
  "/d='2025-03-01T18:00:00Z'",
  "/t<2025-03-02T05:00:00Z",
  "date{f=/d,value=2025-03-01T18:00:00Z}",
  "/.../v=1",
  "/list[]/v='two words'",
  "contains{f=/long,v=NEEDLE,ic=t}",
  "contains{f=/long,v=xn}",
  `prefix{f=/long,v=${"x".repeat(80)}}`,
  `eq{f=/long,v=${"x".repeat(100)}needle${"y".repeat(100)}}`,
  "contains{f=/b,v=ru}",
  "contains{f=/n,v=0}",
  "prefix{f=/n,v=1}",
  "/big=9007199254740993",
  "/big>9007199254740992",
  "exists{/...}",
  "contains{f=/...}",
];

/** Refused without a look at the document: the index narrows. */
const refused = [
  "/s=closed",
  "/n=11",
  "/n>10.5",
  "/missing=1",
  "exists{/missing}",
  "exists{/z}",
  "/tags=red",
  "prefix{f=/s,v=pen}",
  "contains{f=/long,v=needles}",
  "/d=2025-03-09",
  "/t<2025-03-01T00:00:00Z",
  "in{f=/s,any=held|done}",
  "/list[]/v=3",
  "/s=Open,/n=11",
];

test.each(found)("found: %s", (text) => {
  const json = parseSelector(text);
  expect(matches(json, document)).toBe(true);
  expect(mayMatch(json, document)).toBe(true);
});

test.each(refused)("refused: %s", (text) => {
  expect(mayMatch(parseSelector(text), document)).toBe(false);
});
