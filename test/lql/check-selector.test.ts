import { describe, expect, it, test } from "vitest";
import { LockdApiError } from "../../src/api/errors.ts";
import { checkSelector, checkSelectorText } from "../../src/lql/selector/check-selector.ts";
import { narrowingOf } from "../../src/lql/selector/narrowing.ts";
import { parseSelector } from "../../src/lql/selector/parse-selector.ts";
import { printSelector } from "../../src/lql/selector/print-selector.ts";
import { selectorJson } from "../../src/lql/selector/selector-json.ts";
import { selectorOfParameters } from "../../src/lql/selector/selector-parameters.ts";

function failureOf(run: () => unknown): LockdApiError {
  try {
    run();
  } catch (error) {
    if (error instanceof LockdApiError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

function nested(levels: number): unknown {
  let json: unknown = { exists: "/a" };
  for (let level = 0; level < levels; level += 1) json = { not: json };
  return json;
}

const eq = (field: string, value: unknown) => ({ eq: { field, value } });

describe("selector JSON", () => {
  test.each([
    [null],
    [{}],
    [{ and: [] }],
    [{ or: [] }],
    [{ not: null }],
    [{ not: {} }],
    [{ exists: "" }],
    [{ and: [{}, null], or: [{}] }],
    [{ unknown: 5 }],
  ])("%j matches everything", (json) => {
    expect(checkSelector(json).root).toEqual({ kind: "all" });
  });

  test.each<[unknown, RegExp]>([
    [5, /a selector is an object/],
    ["/a=1", /a selector is an object/],
    [[], /a selector is an object/],
    [{ and: {} }, /^and: must be an array/],
    [{ and: null }, /^and: must be an array/],
    [{ and: [{ or: [1] }] }, /^and\[0\]\.or\[0\]: a selector is an object/],
    [{ not: [] }, /^not: a selector is an object/],
    [{ eq: null }, /^eq: eq must be an object/],
    [{ eq: "x" }, /^eq: eq must be an object/],
    [{ eq: {} }, /^eq\.field: eq needs a field/],
    [{ eq: { field: "", value: 1 } }, /needs a field/],
    [{ eq: { field: 1 } }, /must be a path/],
    [eq("a", 1), /^eq\.field: "a" is no path; a path begins with "\/": "\/a"/],
    [eq(" ", 1), /is no path/],
    [eq("/", 1), /whole document/],
    [eq("/a", {}), /^eq\.value: value must be/],
    [eq("/a", ["x"]), /^eq\.value: value must be/],
    [eq("/a", Number.POSITIVE_INFINITY), /^eq\.value: value must be/],
    [{ eq: { field: "/a", any: ["x"] } }, /no member "any"/],
    [{ eq: { field: "/a", valeu: "x" } }, /no member "valeu"; it has field, value/],
    [{ contains: { field: "/a", value: "x", any: ["y"] } }, /value or any, not both/],
    [{ contains: { field: "/a", any: [] } }, /list one text/],
    [{ contains: { field: "/a", any: [1] } }, /list one text/],
    [{ contains: { field: "/a", any: " | " } }, /lists no value/],
    [{ prefix: { field: "/a", ignoreCase: "yes" } }, /true or false/],
    [{ prefix: { field: "/a", ignoreCase: 1 } }, /true or false/],
    [{ in: { field: "/a" } }, /list one text/],
    [{ in: { field: "/a", any: [""] } }, /none of them empty/],
    [{ range: { field: "/a" } }, /needs a bound/],
    [{ range: { field: "/a", gte: 1, lt: "2025-01-01" } }, /numbers or times, not both/],
    [{ range: { field: "/a", gte: "soon" } }, /^range\.gte: .*not "soon"/],
    [{ range: { field: "/a", gte: "now" } }, /number or a time/],
    [{ range: { field: "/a", gte: null } }, /number or a time/],
    [{ range: { field: "/a", gte: true } }, /number or a time/],
    [{ date: { field: "/a", value: 2025 } }, /must be a time/],
    [{ date: { field: "/a", value: "now" } }, /must be a time/],
    [{ date: { field: "/a", since: "tomorrow" } }, /now, today or yesterday/],
    [{ date: { field: "/a", since: "now", gt: "2025-01-01" } }, /since or gt/],
    [{ exists: 5 }, /must be a path/],
    [{ exists: "a" }, /is no path/],
    [nested(1_001), /1000 levels/],
    [nested(500_000), /1000 levels/],
    [{ and: Array.from({ length: 10_001 }, () => eq("/a", 1)) }, /10000 clauses/],
  ])("%.80j is refused", (json, message) => {
    const error = failureOf(() => checkSelector(json));
    expect(error.code).toBe("invalid_selector");
    expect(error.status).toBe(400);
    expect(error.detail).toMatch(message);
  });

  it("takes a thousand levels, and prints and reads them", () => {
    const selector = checkSelector(nested(1_000));
    expect(checkSelector(parseSelector(printSelector(selector)))).toEqual(selector);
    expect(checkSelector(selectorJson(selector))).toEqual(selector);
  });

  it("names the end of a long way only", () => {
    let json: unknown = eq("a", 1);
    for (let level = 0; level < 900; level += 1) json = { and: [json] };
    expect(failureOf(() => checkSelector(json)).detail.length).toBeLessThan(300);
  });

  it("keeps a value left out and an empty value apart", () => {
    const omitted = { contains: { field: "/a" } };
    const empty = { contains: { field: "/a", value: "" } };
    expect(selectorJson(checkSelector(omitted))).toEqual(omitted);
    expect(selectorJson(checkSelector(empty))).toEqual(empty);
    expect(printSelector(checkSelector(omitted))).toBe("contains{field=/a}");
    expect(printSelector(checkSelector(empty))).toBe('contains{field=/a,value=""}');
    expect(checkSelector({ contains: { field: "/a", value: null } })).toEqual(checkSelector(empty));
  });

  it("reads values as their comparison text", () => {
    expect(checkSelector(eq("/a", 1e21)).root).toMatchObject({ value: "1000000000000000000000" });
    expect(checkSelector(eq("/a", true)).root).toMatchObject({ value: "true" });
    expect(checkSelector({ in: { field: "/a", any: "x | y" } }).root).toMatchObject({
      any: ["x", "y"],
    });
    expect(checkSelector({ range: { field: "/a", gte: "1e2" } }).root).toMatchObject({
      sort: "number",
      bounds: [{ operator: "gte", text: "100" }],
    });
  });

  it("keeps digits of JSON text that doubles cannot hold", () => {
    const { root } = checkSelectorText('{"range":{"field":"/n","gt":9007199254740993,"lt":1e400}}');
    expect(root).toMatchObject({ bounds: [{ text: "9007199254740993" }, { text: /^10{400}$/ }] });
  });

  test.each(["{", "", "{} {}", "[".repeat(200_000)])("%.20j is no JSON text of one", (text) => {
    expect(failureOf(() => checkSelectorText(text)).code).toBe("invalid_selector");
  });
});

describe("selectors in URL parameters (section 4)", () => {
  const read = (query: string) => selectorOfParameters(new URLSearchParams(query));

  test.each<[string, unknown]>([
    ["", {}],
    ["/status=open", {}],
    ["namespace=n&limit=3&selector=x", {}],
    ["eq.field=/status&eq.value=open", eq("/status", "open")],
    ["eq.value=open&eq.field=/status&eq.value=open", eq("/status", "open")],
    ["EQ.F=/status&eq.v=open", eq("/status", "open")],
    ["eq{field=/status,value=open}=", eq("/status", "open")],
    ["eq{field=/status,value=open}", eq("/status", "open")],
    ["eq%7Bfield%3D%2Fstatus%2Cvalue%3Dopen%7D=", eq("/status", "open")],
    ["not.exists{/a}=", { not: { exists: "/a" } }],
    ["exists=/p", { exists: "/p" }],
    ["in.field=/env&in.any=dev|stage", { in: { field: "/env", any: ["dev", "stage"] } }],
    ["in.field=/env&in.any=new york|oslo", { in: { field: "/env", any: ["new york", "oslo"] } }],
    ['eq.field=/a&eq.value="TRUE"', eq("/a", "TRUE")],
    ["eq.field=/a&eq.value=TRUE", eq("/a", "true")],
    ["eq.field=/a&eq.value=", eq("/a", "")],
    ["eq.field=/a&eq.value=1&exists=/b", { and: [eq("/a", "1"), { exists: "/b" }] }],
    [
      "and.0.eq.field=/a&and.0.eq.value=1&and.1.range.field=/n&and.1.range.gte=10&or.1.exists=/p",
      {
        and: [eq("/a", "1"), { range: { field: "/n", gte: 10 } }],
        or: [{ exists: "/p" }],
      },
    ],
  ])("%j", (query, json) => {
    expect(read(query)).toEqual(json);
  });

  test.each<[string, RegExp]>([
    ["eq.field=/a&eq.field=/b", /twice/],
    ["eq.field=/a&EQ.field=/b", /twice/],
    ["exists=/a&exists=/b", /twice/],
    ["exists=", /needs a path/],
    ["eq.value=1", /needs a field/],
    ["eq=1", /"" is no term/],
    ["not=1", /"" is no term/],
    ["or.5=1", /no term/],
    ["and..eq.field=/a", /"" is no link/],
    ["eq.bogus=1", /no member "bogus"/],
    ["eq{field=/a=", /without its "}"/],
    ["eq{field=/a},eq{field=/b}=", /one clause/],
    ["range.field=/n&range.gte=soon", /number or a time/],
    ["eq.field=/a&eq.value='x'y", /behind its quotes/],
    ["eq.field=/a&eq.value='x", /never closed/],
  ])("%j is refused", (query, message) => {
    const error = failureOf(() => read(query));
    expect(error.code).toBe("invalid_selector");
    expect(error.detail).toMatch(message);
  });
});

describe("narrowing", () => {
  const narrowing = (text: string): unknown => {
    const show = (node: ReturnType<typeof narrowingOf>): unknown => {
      if (node.kind === "any") return "any";
      if (node.kind === "clause") return node.clause.field;
      return { [node.kind]: node.of.map(show) };
    };
    return show(narrowingOf(checkSelector(parseSelector(text))));
  };

  test.each<[string, unknown]>([
    ["", "any"],
    ["/a=1", "/a"],
    ["/a!=1", "any"],
    ["/a=1,/b!=2,/c>3", { every: ["/a", "/c"] }],
    ["or.exists{/a},or.exists{/b}", { some: ["/a", "/b"] }],
    ["or.exists{/a},or.not.exists{/b}", "any"],
    ["not.not.exists{/a}", "/a"],
    ["and.0.not.or.0.not.exists{/a},and.0.not.or.1.exists{/b}", "/a"],
    ["and.0.not.and.0.not.exists{/a},and.0.not.and.1.not.exists{/b}", { some: ["/a", "/b"] }],
  ])("%j narrows to %j", (text, expected) => {
    expect(narrowing(text)).toEqual(expected);
  });
});
