import fc from "fast-check";
import { expect, it } from "vitest";
import { compileSelector } from "../../src/lql/match/compile-selector.ts";
import { checkSelector } from "../../src/lql/selector/check-selector.ts";
import { parseSelector } from "../../src/lql/selector/parse-selector.ts";
import { printSelector } from "../../src/lql/selector/print-selector.ts";
import type { CheckedSelector, Selector } from "../../src/lql/selector/selector.ts";
import { selectorJson } from "../../src/lql/selector/selector-json.ts";
import { selectorOfParameters } from "../../src/lql/selector/selector-parameters.ts";
import { documents, selectors } from "./arbitrary-selectors.ts";
import { referenceMatches } from "./reference-matcher.ts";

const nowMs = Date.UTC(2025, 2, 2, 4, 30, 0, 500);

const matches = (selector: CheckedSelector, document: string): boolean =>
  compileSelector(selector, { nowMs }).matches(Buffer.from(document));

it("answers like the reference on every selector and document", () => {
  const seen = { yes: 0, no: 0 };
  fc.assert(
    fc.property(selectors, documents, (json, document) => {
      const selector = checkSelector(json);
      const expected = referenceMatches(selector.root, document, nowMs);
      if (selector.root.kind !== "all") seen[expected ? "yes" : "no"] += 1;
      expect(matches(selector, document)).toBe(expected);
    }),
    { numRuns: 6_000 },
  );
  // The generators must not drift to where everything is false.
  expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(300);
});

it("prints what reads back to the same meaning and the same print", () => {
  fc.assert(
    fc.property(selectors, documents, (json, document) => {
      const selector = checkSelector(json);
      const text = printSelector(selector);
      const again = checkSelector(parseSelector(text));
      expect(printSelector(again)).toBe(text);
      if (selector.root.kind === "all" && again.root.kind !== "all") throw new Error("not empty");
      expect(matches(again, document)).toBe(matches(selector, document));
    }),
    { numRuns: 3_000 },
  );
});

it("keeps selectors through their JSON form, values left out included", () => {
  fc.assert(
    fc.property(selectors, (json) => {
      const selector = checkSelector(json);
      const again = checkSelector(JSON.parse(JSON.stringify(selectorJson(selector))));
      expect(again).toEqual(selector);
    }),
    { numRuns: 2_000 },
  );
});

it("reads dotted parameters and clauses in braces like the JSON form", () => {
  fc.assert(
    fc.property(selectors, fc.boolean(), (json, braces) => {
      const selector = parseSelector(printSelector(checkSelector(json)));
      // Under one root group with explicit slots, so that no link is implied.
      const clauses = addressed({ and: [selector] }, "");
      const parameters = clauses.flatMap(braces ? braceParameter : dottedParameters);
      const again = checkSelector(selectorOfParameters(parameters));
      expect(again).toEqual(checkSelector(selector));
    }),
    { numRuns: 1_000 },
  );
});

interface Addressed {
  readonly address: string;
  readonly json: unknown;
}

/** Every clause of a selector with explicit slots all the way. */
function addressed(node: Selector, prefix: string): Addressed[] {
  const { and = [], or = [], not, ...terms } = node;
  return [
    ...and.flatMap((child, i) => addressed(child, `${prefix}and.${String(i).padStart(3, "0")}.`)),
    ...or.flatMap((child, i) => addressed(child, `${prefix}or.${String(i).padStart(3, "0")}.`)),
    ...(not === undefined || not === null ? [] : addressed(not, `${prefix}not.`)),
    ...Object.entries(terms).map(([term, json]) => ({ address: `${prefix}${term}`, json })),
  ];
}

function quoted(value: unknown): string {
  const text = Array.isArray(value) ? value.join("|") : String(value);
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

type Parameter = [name: string, value: string];

function dottedParameters({ address, json }: Addressed): Parameter[] {
  if (typeof json === "string") return [[address, quoted(json)]];
  const members = Object.entries(json as object);
  return members.map(([member, value]) => [`${address}.${member}`, quoted(value)]);
}

function braceParameter({ address, json }: Addressed): Parameter[] {
  if (typeof json === "string") return [[`${address}{${quoted(json)}}`, ""]];
  const members = Object.entries(json as object).map(([name, value]) => `${name}=${quoted(value)}`);
  return [[`${address}{${members.join(",")}}`, ""]];
}

it("answers the same however a document is cut", () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(selectors, documents, pieces, (json, document, sizes) => {
      const matcher = compileSelector(checkSelector(json), { nowMs });
      const bytes = Buffer.from(document);
      const streamed = matcher.start();
      let at = 0;
      for (let i = 0; at < bytes.length; i += 1) {
        const to = at + (sizes[i % sizes.length] ?? 1);
        // A copy: a piece may not be looked at after the call.
        const piece = Uint8Array.from(bytes.subarray(at, to));
        streamed.push(piece);
        piece.fill(0x7b);
        at = to;
      }
      expect(streamed.end()).toBe(matcher.matches(bytes));
    }),
    { numRuns: 3_000 },
  );
});
