import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { LockdApiError, LqlSyntaxError } from "../../src/api/errors.ts";
import { compileSelector, type Matcher } from "../../src/lql/match/compile-selector.ts";
import { checkSelector } from "../../src/lql/selector/check-selector.ts";
import { parseSelector } from "../../src/lql/selector/parse-selector.ts";
import { printSelector } from "../../src/lql/selector/print-selector.ts";
import { selectorOfParameters } from "../../src/lql/selector/selector-parameters.ts";
import { documents, selectors } from "./arbitrary-selectors.ts";

/** Runs to an end, or to a failure that is part of the contract. */
function settles(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof LqlSyntaxError || error instanceof LockdApiError)) throw error;
    if (error instanceof LqlSyntaxError) expect(error.position).toBeGreaterThanOrEqual(0);
  }
}

const pieces = fc.constantFrom(
  ..."/ a b = == != > < { } \" ' \\ , | . [] * ... 1 1e9 -0 eq in exists range date contains".split(
    " ",
  ),
  "and.",
  "or.0.",
  "not.",
  "eq{f=/a,v=",
  "\n",
  " ",
  "field=",
  "any=",
  "2025-03-01",
);

describe("crashes", () => {
  it("fails on selector texts only as the contract says", () => {
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join("")),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        settles(() => printSelector(checkSelector(parseSelector(text))));
        settles(() => selectorOfParameters([[text, ""]]));
      }),
      { numRuns: 5_000 },
    );
  });

  it("fails on any JSON value only as the contract says", () => {
    const key = fc.constantFrom("and", "or", "not", "eq", "in", "range", "field", "any", "value");
    const json = fc.object({ key, maxDepth: 5, withNullPrototype: true });
    fc.assert(
      fc.property(json, (value) => settles(() => checkSelector(value))),
      { numRuns: 3_000 },
    );
  });

  it("never fails on documents, whatever they are", () => {
    const broken = fc
      .tuple(documents, fc.nat(), fc.nat(), fc.constantFrom(...'"\\{}[],:0-etn\x00\xff'))
      .map(([document, at, length, byte]) => {
        const bytes = Buffer.from(document);
        const cut = bytes.subarray(0, bytes.length - (length % 4));
        if (cut.length > 0) cut[at % cut.length] = byte.charCodeAt(0);
        return cut;
      });
    const anything = fc.oneof(
      broken,
      fc.uint8Array({ maxLength: 40 }).map((a) => Buffer.from(a)),
    );
    fc.assert(
      fc.property(selectors, anything, (json, bytes) => {
        const matcher = compileSelector(checkSelector(json), { nowMs: 0 });
        const whole = matcher.matches(bytes);
        const match = matcher.start();
        for (const byte of bytes) match.push(Uint8Array.of(byte));
        // Broken input may be noticed at another place, but an answer is a boolean.
        expect([typeof whole, typeof match.end()]).toEqual(["boolean", "boolean"]);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    "{",
    "}",
    "[",
    "",
    " ",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":"',
    '{"a":"\\',
    '{"a":tru',
  ])("%j is no document and matches nothing", (document) => {
    for (const text of ["/a=1", "/a!=1", "exists{/a/b}"]) {
      const known = text === "/a=1" && document.startsWith('{"a":1');
      const matcher = compileSelector(checkSelector(parseSelector(text)), { nowMs: 0 });
      expect(matcher.matches(Buffer.from(document))).toBe(known);
    }
  });
});

/** Processor time of this process in milliseconds: what else the machine does is left out. */
function processorMs(run: () => unknown): number {
  const from = process.cpuUsage();
  settles(run);
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1_000;
}

/**
 * Sixteen times the input takes about sixteen times as long, not 256. Short times say little: the
 * milliseconds added to both are for them. What is linear gets several chances to show it.
 */
function expectLinear(run: (size: number) => () => unknown, size: number): void {
  const small = run(size);
  const large = run(16 * size);
  let [smallMs, largeMs] = [processorMs(small), processorMs(large)];
  for (let attempt = 0; attempt < 8 && ratio() >= 80; attempt += 1) {
    smallMs = Math.min(smallMs, processorMs(small));
    largeMs = Math.min(largeMs, processorMs(large));
  }
  expect(ratio()).toBeLessThan(80);

  function ratio(): number {
    return (largeMs + 1) / (smallMs + 1);
  }
}

const repeatedTexts: readonly (readonly [string, (n: number) => string])[] = [
  ["quotes", (n) => `/a=${'"'.repeat(2 * n)}`],
  ["open quotes", (n) => "'\"".repeat(n)],
  ["backslashes", (n) => `/a=${"\\".repeat(n)}`],
  ["braces", (n) => `${"{".repeat(n)}${"}".repeat(n)}`],
  ["commas", (n) => ",".repeat(n)],
  ["blanks", (n) => `${" ".repeat(n)}/a=1${" ".repeat(n)}`],
  ["blanks in a body", (n) => `eq{${" ".repeat(n)}f=/a${" ".repeat(n)}v=1${" ".repeat(n)}`],
  ["links", (n) => `${"not.".repeat(n)}exists{/a}`],
  ["dots", (n) => `${".".repeat(n)}eq{f=/a}`],
  ["slashes", (n) => `${"/".repeat(n)}=1`],
  ["brackets", (n) => `/a${"[]".repeat(n)}=1`],
  ["list bars", (n) => `in{f=/a,any=${"x|".repeat(n)}}`],
  ["digits", (n) => `/a=${"1".repeat(n)}`],
  ["zeros", (n) => `/a=0.${"0".repeat(n)}1`],
  ["exponents", (n) => `/a=1e${"9".repeat(n)}`],
  ["escapes", (n) => `/a="${'\\"'.repeat(n)}"`],
  ["members", (n) => `eq{f=/a${",v=1".repeat(n)}}`],
  ["slots", (n) => "and.0.eq{f=/a,v=1},".repeat(n / 16)],
  ["clauses", (n) => Array.from({ length: n / 16 }, (_, i) => `or.eq{f=/a${i},v=1}`).join()],
];

describe("time grows with the input", () => {
  test.each(repeatedTexts)("of selector texts: %s", (_name, text) => {
    expectLinear((size) => {
      const input = text(size);
      return () => printSelector(checkSelector(parseSelector(input)));
    }, 8_000);
  });

  const selectorTexts = ["/a=1", "/.../a/*/.../b=1", "icontains{f=/...,v=needle}", "/...>1"];
  const repeatedDocuments: readonly (readonly [string, (n: number) => string])[] = [
    ["brackets", (n) => `{"a":${"[".repeat(n)}`],
    ["nested objects", (n) => `{${'"a":{'.repeat(n / 4)}`],
    ["escaped quotes", (n) => `{"a":"${'\\"'.repeat(n)}"}`],
    ["backslashes", (n) => `{"a":"${"\\\\".repeat(n)}"}`],
    ["digits", (n) => `{"a":${"1".repeat(n)}}`],
    ["exponents", (n) => `{"a":[${"1e999999999999999999,".repeat(n / 16)}1]}`],
    ["blanks", (n) => `{${" ".repeat(n)}"a"${" ".repeat(n)}:0${" ".repeat(n)}}`],
    ["members", (n) => `{${'"a":{"b":2},'.repeat(n / 8)}"z":0}`],
    ["elements", (n) => `{"a":[${"0,".repeat(n)}0]}`],
  ];

  for (const selector of selectorTexts) {
    const matcher = compileSelector(checkSelector(parseSelector(selector)), { nowMs: 0 });
    test.each(repeatedDocuments)(`of documents for ${selector}: %s`, (_name, document) => {
      expectLinear((size) => {
        const bytes = Buffer.from(document(size));
        return () => matcher.matches(bytes);
      }, 25_000);
    });
  }

  it("of documents in small pieces", () => {
    const matcher = compileSelector(checkSelector(parseSelector("contains{f=/a,v=x}")), {
      nowMs: 0,
    });
    expectLinear((size) => {
      const bytes = Buffer.from(`{"a":"${"a".repeat(size)}"}`);
      return () => pushBytes(matcher, bytes);
    }, 4_000);
  });
});

it("answers with paths that have more places than are kept", () => {
  const text = `/.../a${"/*".repeat(18)}=1`;
  const matcher = compileSelector(checkSelector(parseSelector(text)), { nowMs: 0 });
  const others = manyShapes(1_500);
  expect(matcher.matches(Buffer.from(`{${others}}`))).toBe(false);
  const hit = `${'{"a":'.repeat(19)}1${"}".repeat(19)}`;
  expect(matcher.matches(Buffer.from(`{${others},"hit":${hit},${others}}`))).toBe(true);
});

function pushBytes(matcher: Matcher, bytes: Uint8Array): boolean {
  const match = matcher.start();
  for (let at = 0; at < bytes.length; at += 1) match.push(bytes.subarray(at, at + 1));
  return match.end();
}

/** Chains of twenty members, `a` or `b` by the bits of a counter. */
function manyShapes(count: number): string {
  return Array.from({ length: count }, (_, n) => {
    const bits = (n * 2_654_435_761) % 2 ** 20;
    const names = Array.from({ length: 20 }, (_, bit) => ((bits >> bit) & 1 ? "a" : "b"));
    return `"${n}":${names.map((name) => `{"${name}":`).join("")}0${"}".repeat(20)}`;
  }).join(",");
}
