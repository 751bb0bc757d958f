import { describe, expect, it, test } from "vitest";
import { LqlSyntaxError } from "../../src/api/errors.ts";
import { checkSelector } from "../../src/lql/selector/check-selector.ts";
import { parseSelector } from "../../src/lql/selector/parse-selector.ts";
import { printSelector } from "../../src/lql/selector/print-selector.ts";

const eq = (field: string, value: string) => ({ eq: { field, value } });

/** The table of query-and-lql.md section 3.6. */
const examples: readonly (readonly [string, unknown])[] = [
  ["", {}],
  ["/status=open", eq("/status", "open")],
  ['/status!="open"', { not: eq("/status", "open") }],
  ["/n>=10", { range: { field: "/n", gte: 10 } }],
  [
    "/n>=10,/n<20",
    { and: [{ range: { field: "/n", gte: 10 } }, { range: { field: "/n", lt: 20 } }] },
  ],
  ["/a=1\n/b=2", { and: [eq("/a", "1"), eq("/b", "2")] }],
  ["or.eq{f=/s,v=open},or.eq{f=/s,v=held}", { or: [eq("/s", "open"), eq("/s", "held")] }],
  [
    "/region=emea,or.eq{f=/s,v=a},or.eq{f=/s,v=b}",
    { and: [eq("/region", "emea")], or: [eq("/s", "a"), eq("/s", "b")] },
  ],
  [
    "or.0.eq{f=/a,v=1},or.0.exists{/b},or.1.eq{f=/a,v=2}",
    { or: [{ ...eq("/a", "1"), exists: "/b" }, eq("/a", "2")] },
  ],
  ["not.exists{/deleted_at}", { not: { exists: "/deleted_at" } }],
  ["in{field=/env,any=dev|stage}", { in: { field: "/env", any: ["dev", "stage"] } }],
  [
    "contains{f=/msg,a=timeout|refused,ic=t}",
    { contains: { field: "/msg", any: ["timeout", "refused"], ignoreCase: true } },
  ],
  [
    'icontains{field=/.../msg,value="error, fatal"}',
    { icontains: { field: "/.../msg", value: "error, fatal" } },
  ],
  ["prefix{field=/host,value=web-}", { prefix: { field: "/host", value: "web-" } }],
  [
    "range{field=/ts,gte=2025-01-01,lt=2025-02-01}",
    { range: { field: "/ts", gte: "2025-01-01", lt: "2025-02-01" } },
  ],
  ["/ts>2025-01-01T00:00:00Z", { range: { field: "/ts", gt: "2025-01-01T00:00:00Z" } }],
  ["date{f=/ts,since=today}", { date: { field: "/ts", since: "today" } }],
  ["/items[]/sku=A1", eq("/items[]/sku", "A1")],
  [`eq{field="/we ird",value='it\\'s'}`, eq("/we ird", "it's")],
];

/** Further forms of sections 3.1 to 3.5. */
const moreForms: readonly (readonly [string, unknown])[] = [
  ["EQ{F=/a,V=1}", eq("/a", "1")],
  ["Not.NOT.Exists{/a}", { not: { not: { exists: "/a" } } }],
  ["/a=1.0", eq("/a", "1")],
  ["/a=1e3", eq("/a", "1000")],
  ["/a=-0", eq("/a", "0")],
  ["/a=TRUE", eq("/a", "true")],
  ['/a="TRUE"', eq("/a", "TRUE")],
  ['/a="1.0"', eq("/a", "1.0")],
  ["/a=NaN", eq("/a", "NaN")],
  ['/a=""', eq("/a", "")],
  ["/a == new york ", eq("/a", "new york")],
  ["/a=b=c", eq("/a", "b=c")],
  ["/a=x\\,y", eq("/a", "x\\,y")],
  [String.raw`/a="x\n\\\"y"`, eq("/a", String.raw`x\n\"y`)],
  ["/a!b=1", eq("/a!b", "1")],
  ["/n<=-1.5e2", { range: { field: "/n", lte: -150 } }],
  ["/n>9007199254740993", { range: { field: "/n", gt: "9007199254740993" } }],
  ['/ts>="2025-01-01"', { range: { field: "/ts", gte: "2025-01-01" } }],
  ['range{f=/n,gte="5"}', { range: { field: "/n", gte: 5 } }],
  ["eq{f=/a}", { eq: { field: "/a" } }],
  ["eq{f=/a,v=}", eq("/a", "")],
  ["eq{f=/a v=1}", eq("/a", "1")],
  ["eq{ f = /a ,\n 'v' = 1 }", eq("/a", "1")],
  ["contains{f=/a}", { contains: { field: "/a" } }],
  ["contains{f=/a,v=}", { contains: { field: "/a", value: "" } }],
  ['contains{f=/a,v="",ic=F}', { contains: { field: "/a", value: "", ignoreCase: false } }],
  [
    "date{f=/t,a=2025-01-01,b=2025-02-01}",
    { date: { field: "/t", after: "2025-01-01", before: "2025-02-01" } },
  ],
  ["date{f=/t,since=NOW}", { date: { field: "/t", since: "NOW" } }],
  ['in{f=/a,any="new york|oslo"}', { in: { field: "/a", any: ["new york", "oslo"] } }],
  ["and.5.eq{f=/a,v=1},and.2.eq{f=/b,v=2}", { and: [eq("/b", "2"), eq("/a", "1")] }],
  ["and.3.eq{f=/a,v=1},/b=2", { and: [eq("/a", "1"), eq("/b", "2")] }],
  ["and.eq{f=/a,v=1}", { and: [eq("/a", "1")] }],
  [
    "or.0.not.eq{f=/a,v=1},or.0.and.eq{f=/b,v=2},or.eq{f=/c,v=3}",
    { or: [{ and: [eq("/b", "2")], not: eq("/a", "1") }, eq("/c", "3")] },
  ],
];

describe("selector text", () => {
  test.each(examples)("%j as the contract's table says", (text, json) => {
    expect(parseSelector(text)).toEqual(json);
  });

  test.each(moreForms.filter(([text]) => !text.includes("{x,y}")))("%j", (text, json) => {
    expect(parseSelector(text)).toEqual(json);
  });

  test.each(["", "{}", ".", "/", ",", " \n , \n", "{},.,/"])("%j matches everything", (text) => {
    expect(parseSelector(text)).toEqual({});
  });

  it("keeps a comma in quotes (case 3)", () => {
    expect(parseSelector('/a="x,y"')).toEqual(eq("/a", "x,y"));
  });

  it("takes the same member twice when both say the same (case 7)", () => {
    expect(parseSelector("eq{f=/a,v=1,v=1}")).toEqual(eq("/a", "1"));
  });

  it("puts clauses of one slot into one node (case 8)", () => {
    expect(parseSelector("and.0.eq{f=/a,v=1},and.0.range{f=/n,gte=2}")).toEqual({
      and: [{ ...eq("/a", "1"), range: { field: "/n", gte: 2 } }],
    });
    expect(parseSelector("and.0.eq{f=/a,v=1},and.0.eq{v=1,f=/a}")).toEqual({
      and: [eq("/a", "1")],
    });
  });

  it("reads exists with a quoted path (case 12)", () => {
    expect(parseSelector('exists{"/a b"}')).toEqual({ exists: "/a b" });
  });

  it("trims the items of a list and drops empty ones (case 13)", () => {
    expect(parseSelector('in{f=/a,any=" x | y || "}')).toEqual({
      in: { field: "/a", any: ["x", "y"] },
    });
  });

  it("joins by or when the caller asks for it", () => {
    expect(parseSelector("/a=1,/b=2", { mode: "or" })).toEqual({
      or: [eq("/a", "1"), eq("/b", "2")],
    });
  });
});

/** Text, position, and what the message must say. */
const invalid: readonly (readonly [string, number, RegExp])[] = [
  ["/a", 0, /asks nothing.*exists\{\/a\}/],
  ["status=open", 0, /begin with "\/": \/status=open/],
  ["/a=", 3, /no value.*\/a=""/],
  ["eq{value=1}", 0, /needs a field/],
  ["eq{field=/a,value=1", 2, /without its "}"/],
  ["bogus{field=/a}", 0, /"bogus" is no term/],
  ["range{field=/a}", 0, /needs a bound/],
  ["range{field=/a,gte=1,lt=2025-01-01}", 24, /not both/],
  ["in{field=/a}", 0, /any of in/],
  ["exists{}", 7, /one path/],
  ["exists{field=/a}", 7, /one path/],
  ["exists{/a /b}", 7, /one path/],
  ['exists{"/a","/b"}', 7, /one path/],
  ["and.eq", 0, /no body/],
  ["and..eq{f=/a,v=1}", 0, /"" is no link/],
  ["xor.eq{f=/a,v=1}", 0, /"xor" is no link/],
  ["0.eq{f=/a,v=1}", 0, /"0" is no link/],
  ["not.0.eq{f=/a,v=1}", 0, /"0" is no link/],
  ["and.1048577.eq{f=/a,v=1}", 0, /above 1048576/],
  ["and.or{f=/a,v=1}", 0, /no term/],
  ["date{field=/a,value=soon}", 20, /must be a time.*"soon"/],
  ["date{field=/a}", 0, /needs a comparator/],
  ["contains{f=/a,v=x,a=y}", 20, /not both/],
  ["eq{f=/a,v=1,v=2}", 14, /twice/],
  ["eq{field=/a,value=1,value=2}", 26, /twice/],
  ["eq{f=/a,any=1}", 8, /no member "any"/],
  ["prefix{f=/a,any=x}", 12, /no member "any"/],
  ["eq{f=/a,w=1}", 8, /no member "w"/],
  ["eq{f=a,v=1}", 5, /begins with "\/": "\/a"/],
  ["eq{f=/,v=1}", 5, /whole document/],
  ["/=1", 0, /whole document/],
  ["contains{f=/a,v=x,ic=maybe}", 21, /true or false/],
  ['/a="open', 3, /never closed/],
  ["/a='it", 3, /never closed/],
  ["}", 0, /without a "{"/],
  ["/x=1,  }", 7, /without a "{"/],
  ['/n>="5"', 4, /unquoted number/],
  ["/ts>=yesterday", 5, /unquoted number/],
  ["range{f=/t,gte=yesterday}", 15, /must be a number or a time/],
  ["date{f=/t,after=now}", 16, /must be a time/],
  ["date{f=/t,after=2025-01-01,gt=2025-01-01}", 30, /after or gt/],
  ["date{f=/t,before=2025-01-01,lt=2025-01-01}", 31, /before or lt/],
  ["date{f=/t,since=now,gte=2025-01-01}", 24, /since or gte/],
  ["in{f=/a,any=|}", 12, /lists no value/],
  ["in{f=/a,any=x | y}", 14, /need quotes/],
  ["in{f=/a,any=x| y}", 15, /need quotes/],
  ['/a="x"y', 6, /quoted value/],
  ['eq{f=/a,v="x"y}', 13, /comma must follow/],
  ["eq{f=/a,v=1}x", 12, /must follow "}"/],
  ["and.0.eq{f=/a,v=1},and.0.eq{f=/a,v=2}", 19, /two different eq/],
  ["/a=1,\n/b", 6, /asks nothing/],
  ['/"a"=1', 0, /brace form/],
  [`${"not.".repeat(1_001)}exists{/a}`, 0, /1000 levels/],
];

describe("selector text that is wrong", () => {
  test.each(invalid)("%j fails at %i", (text, position, message) => {
    const error = failureOf(() => parseSelector(text));
    expect(error.message).toMatch(message);
    expect(error.position).toBe(position);
    expect(error.code).toBe("invalid_lql");
  });
});

function failureOf(run: () => unknown): LqlSyntaxError {
  try {
    run();
  } catch (error) {
    if (error instanceof LqlSyntaxError) return error;
    throw error;
  }
  throw new Error("it parsed");
}

describe("printed selectors", () => {
  test.each([
    ["/a=1\n/b!=x", "/a=1,/b!=x"],
    ['eq{field=/a,value="TRUE"}', '/a="TRUE"'],
    ["range{f=/n,lt=3}", "/n<3"],
    ["contains{f=/m,v=Ä,ic=t}", 'icontains{field=/m,value="Ä"}'],
    ["or.exists{/a},or.not.exists{/b}", "or.exists{/a},or.not.exists{/b}"],
    ["not.or.eq{f=/a,v=1},not.eq{f=/b,v=2}", "/a!=1,/b!=2"],
    ["not.or.0.eq{f=/a,v=1}", "/a!=1"],
  ])("%j prints as %j", (text, printed) => {
    expect(printSelector(checkSelector(parseSelector(text)))).toBe(printed);
  });

  it("writes lists that text cannot hold as alternatives", () => {
    const selector = checkSelector({ in: { field: "/a", any: ["x", "y|z", " w"] } });
    expect(printSelector(selector)).toBe(
      'or.in{field=/a,any=x},or.eq{field=/a,value="y|z"},or.eq{field=/a,value=" w"}',
    );
  });
});
