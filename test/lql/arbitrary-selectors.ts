/** Random selectors and documents that often have to do with each other. */
import fc from "fast-check";
import type { Selector } from "../../src/lql/selector/selector.ts";

const names = ["a", "b", "tags", "0", "1", "a/b", "we ird", "", "Ä", "x~y", "q\"'{}=,|"];

const times = [
  "2025-03-01",
  "2025-03-02",
  "2025-03-01T23:30:00-05:00",
  "2025-03-02T04:30:00Z",
  "2025-03-02T04:30:00.5Z",
  "2025-03-02T04:30:00.500000001",
  "2024-02-29T00:00:00+02:00",
];

const numbers = [
  "0",
  "-0",
  "1",
  "1.0",
  "10e-1",
  "-2.5",
  "1e3",
  "1000",
  "9007199254740993",
  "0.001",
];

const words = [
  "",
  "open",
  "Open",
  "true",
  "TRUE",
  "null",
  "nan",
  "a b",
  "x|y",
  " pad ",
  "Straße",
  "ΟΔΟΣ",
  "İ",
  "\u{10400}z",
  "quo\"te'",
  "back\\slash",
  "new\nline",
  "b{r}a,ce",
  "01",
  "2025-02-30",
];

const text = fc.oneof(
  fc.constantFrom(...words, ...times, ...numbers),
  fc.string({ maxLength: 5 }),
  fc.string({ maxLength: 4, unit: "grapheme" }),
);

/** JSON text of a value, with numbers as written and strings escaped at random. */
const jsonString = fc
  .tuple(text, fc.boolean())
  .map(([string, escaped]) => (escaped ? `"${allEscaped(string)}"` : JSON.stringify(string)));

function allEscaped(text: string): string {
  const hex = (unit: number): string => text.charCodeAt(unit).toString(16).padStart(4, "0");
  return Array.from({ length: text.length }, (_, unit) => `\\u${hex(unit)}`).join("");
}

const scalar = fc.oneof(
  { weight: 3, arbitrary: jsonString },
  { weight: 3, arbitrary: fc.constantFrom(...numbers) },
  { weight: 1, arbitrary: fc.constantFrom("true", "false", "null") },
);

const { value: valueArbitrary } = fc.letrec<{ value: string; object: string; array: string }>(
  (tie) => ({
    value: fc.oneof({ maxDepth: 4 }, scalar, tie("object"), tie("array")),
    object: fc
      .uniqueArray(fc.tuple(fc.constantFrom(...names), tie("value")), {
        maxLength: 5,
        selector: ([name]) => name,
      })
      .map(
        (members) =>
          `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`,
      ),
    array: fc.array(tie("value"), { maxLength: 4 }).map((elements) => `[${elements.join(",")}]`),
  }),
);

/** Compact JSON texts, mostly of objects. */
export const documents: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .uniqueArray(fc.tuple(fc.constantFrom(...names), valueArbitrary), {
        maxLength: 6,
        selector: ([name]) => name,
      })
      .map(
        (members) =>
          `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`,
      ),
  },
  { weight: 1, arbitrary: valueArbitrary },
);

const segment = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...names)
      .map((name) => name.replaceAll("~", "~0").replaceAll("/", "~1")),
  },
  { weight: 2, arbitrary: fc.constantFrom("*", "[]", "**", "...", "tags[]", "a[][]") },
);

const field = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => `/${segments.join("/")}`)
  // A path of blanks only at its end is trimmed, and "/" alone is the root.
  .filter((path) => path.trim() === path && path !== "/");

const anyField = fc.oneof(
  { weight: 9, arbitrary: field },
  { weight: 1, arbitrary: fc.constant("/") },
);

const items = fc.array(
  text.filter((item) => item !== ""),
  { minLength: 1, maxLength: 3 },
);

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

/** Without members that are undefined, as JSON would have it. */
function defined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}

const textTerm = fc
  .record({
    field: anyField,
    value: optional(text),
    any: optional(items),
    ignoreCase: optional(fc.boolean()),
  })
  .map(({ value, any, ...rest }) =>
    defined({ ...rest, ...(any === undefined ? { value } : { any }) }),
  );

const prefixTerm = fc
  .record({ field: anyField, value: optional(text), ignoreCase: optional(fc.boolean()) })
  .map(defined);

const boundsOf = (texts: readonly string[]) =>
  fc
    .record({
      gte: optional(fc.constantFrom(...texts)),
      gt: optional(fc.constantFrom(...texts)),
      lte: optional(fc.constantFrom(...texts)),
      lt: optional(fc.constantFrom(...texts)),
    })
    .map(defined)
    .filter((bounds) => Object.keys(bounds).length > 0);

const clause: fc.Arbitrary<Selector> = fc.oneof(
  fc.record({ field, value: optional(text) }).map((eq) => ({ eq: defined(eq) })),
  textTerm.map((contains) => ({ contains })),
  textTerm.map((icontains) => ({ icontains })),
  prefixTerm.map((prefix) => ({ prefix })),
  prefixTerm.map((iprefix) => ({ iprefix })),
  fc
    .tuple(anyField, fc.oneof(boundsOf(numbers), boundsOf(times)))
    .map(([path, bounds]) => ({ range: { field: path, ...bounds } })),
  fc
    .tuple(anyField, boundsOf(times), optional(fc.constantFrom(...times)))
    .map(([path, bounds, value]) => ({ date: defined({ field: path, value, ...bounds }) })),
  fc
    .tuple(anyField, fc.constantFrom("now", "Today", "yesterday", ...times))
    .map(([path, since]) => ({ date: { field: path, since } })),
  fc.record({ field: anyField, any: items }).map((term) => ({ in: term })),
  anyField.map((exists) => ({ exists })),
);

/** Checked forms of every shape; `{}` included. */
export const selectors: fc.Arbitrary<Selector> = fc.letrec<{ node: Selector }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    clause,
    fc.tuple(clause, clause).map(([a, b]) => ({ ...a, ...b })),
    fc.array(tie("node"), { maxLength: 3 }).map((and) => ({ and })),
    fc.array(tie("node"), { maxLength: 3 }).map((or) => ({ or })),
    tie("node").map((not) => ({ not })),
    fc
      .tuple(clause, fc.array(tie("node"), { maxLength: 2 }), tie("node"))
      .map(([own, or, not]) => ({ ...own, or, not })),
  ),
})).node;
