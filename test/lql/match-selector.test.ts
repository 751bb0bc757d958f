import { describe, expect, it, test } from "vitest";
import { compileSelector } from "../../src/lql/match/compile-selector.ts";
import { matchSelector } from "../../src/lql/match/match-selector.ts";
import { checkSelectorText } from "../../src/lql/selector/check-selector.ts";
import { parseSelector } from "../../src/lql/selector/parse-selector.ts";
import { documentD, matchingCases, tableOfD } from "./matching-tables.ts";

const matches = (text: string, document: string, now = 0): boolean =>
  matchSelector(parseSelector(text), document, { now });

test.each(tableOfD)("%j on the contract's document is %s", (text, expected) => {
  expect(matches(text, documentD)).toBe(expected);
});

test.each(matchingCases)("case %i: %j on %s is %s", (_case, text, document, expected) => {
  expect(matches(text, document)).toBe(expected);
});

test("case 26: since=now is the clock that was handed in", () => {
  const now = Date.UTC(2025, 2, 1, 12);
  expect(matches("date{f=/t,since=now}", '{"t":"2025-03-01T13:00:00Z"}', now)).toBe(true);
  expect(matches("date{f=/t,since=now}", '{"t":"2025-03-01T11:00:00Z"}', now)).toBe(false);
  expect(matches("date{f=/t,since=today}", '{"t":"2025-03-01T00:00:00Z"}', now)).toBe(true);
  expect(matches("date{f=/t,since=today}", '{"t":"2025-02-28"}', now)).toBe(false);
  expect(matches("date{f=/t,since=Yesterday}", '{"t":"2025-02-28"}', now)).toBe(true);
});

test("case 28: only the empty selector matches what is no object", () => {
  for (const document of ["[1,2]", "null", "5", '"x"']) {
    expect(matches("", document)).toBe(true);
    for (const text of ["/0=1", "/x!=1", "not.exists{/a}", "contains{f=/}", "exists{/}"]) {
      expect(matches(text, document), `${text} on ${document}`).toBe(false);
    }
  }
});

test("case 29: eq and or in one node must both hold", () => {
  const or = [{ exists: "/b" }, { exists: "/c" }];
  const selector = { eq: { field: "/a", value: 1 }, or };
  expect(matchSelector(selector, { a: 1, b: 1 })).toBe(true);
  expect(matchSelector(selector, { a: 1 })).toBe(false);
  expect(matchSelector(selector, { a: 2, b: 1 })).toBe(false);
});

test("case 30: icontains ignores case whatever ignoreCase says", () => {
  const selector = { icontains: { field: "/s", value: "BLU", ignoreCase: false } };
  expect(matchSelector(selector, { s: "true blue" })).toBe(true);
});

describe("paths (section 2)", () => {
  const document =
    '{"a":{"b/c":1},"tags":["x","y"],"m":{"k1":{"v":1},"k2":{"v":2}},"n":[[1],[2]],"":{"":3}}';
  test.each([
    ["/a/b~1c=1", true],
    ["/tags[]=x", true],
    ["/tags/[]=y", true],
    ["/tags/1=y", true],
    ["/tags/01=y", false],
    ["/tags/2=y", false],
    ["/tags/*=y", false],
    ["/tags/**=y", true],
    ["/m/*/v=2", true],
    ["/m[]/v=2", false],
    ["/n[][]=2", true],
    ["/n/1/0=2", true],
    ["/.../v=1", true],
    ["/...=2", true],
    ["/.../.../...=2", true],
    ["/**/k1/v=1", true],
    ["//=3", true],
    ["/a/b/c=1", false],
    ["exists{/m/*/v}", true],
    ["exists{/tags/5}", false],
  ] as const)("%s is %s", (text, expected) => {
    expect(matches(text, document)).toBe(expected);
  });
});

describe("text clauses", () => {
  test.each([
    ["contains{f=/}", "{}", true],
    ['contains{f=/,v=""}', "{}", true],
    ['prefix{f=/...,v=""}', "{}", true],
    ["not.contains{f=/**}", "{}", false],
    ["contains{f=/*}", "{}", true],
    ["contains{f=/[]}", '{"a":1}', false],
    ["contains{f=/**/*}", '{"a":1}', false],
    ["contains{f=/,v=a}", '{"a":"a"}', false],
    ["contains{f=/n,v=00}", '{"n":1e3}', true],
    ["prefix{f=/n,v=0.0}", '{"n":5e-2}', true],
    ["contains{f=/b,v=ru}", '{"b":true}', true],
    ["prefix{f=/b,v=fal}", '{"b":false}', true],
    ["iprefix{f=/s,v=WEB}", '{"s":"web-1"}', true],
    ["prefix{f=/s,v=web-1x}", '{"s":"web-1"}', false],
    ["icontains{f=/s,v=ΟΔΟΣ}", '{"s":"η οδοσα"}', true],
    ["icontains{f=/s,v=straße}", '{"s":"STRASSE"}', false],
    ["icontains{f=/s,v=\u{10400}}", '{"s":"x\u{10428}"}', true],
    ["contains{f=/a}", '{"a":[]}', true],
    ["contains{f=/a,a=x|b}", '{"a":"abc"}', true],
    ["in{f=/a,any=1.0|TRUE}", '{"a":10e-1}', true],
    ["in{f=/a,any=1|TRUE}", '{"a":true}', true],
    ["in{f=/,any=x}", '{"a":"x"}', false],
  ] as const)("%s on %s is %s", (text, document, expected) => {
    expect(matches(text, document)).toBe(expected);
  });
});

describe("bytes", () => {
  it("compares escaped texts and names decoded", () => {
    expect(matches("/s=AB", '{"s":"\\u0041B"}')).toBe(true);
    expect(matches("/name=1", '{"n\\u0061me":1}')).toBe(true);
    expect(matches('/s="\u{1F600}"', '{"s":"\\ud83d\\ude00"}')).toBe(true);
    expect(matches('/s="a/b"', '{"s":"a\\/b"}')).toBe(true);
    expect(matches('/s="x"', '{"a":"\\"","b\\"":"\\\\","s":"x"}')).toBe(true);
  });

  it("counts both values of a member that is there twice", () => {
    expect(matches("/a=1", '{"a":1,"a":2}')).toBe(true);
    expect(matches("/a=2", '{"a":1,"a":2}')).toBe(true);
    expect(matches("/a!=1", '{"a":1,"a":2}')).toBe(false);
  });

  it("does not take a lone surrogate for the replacement character", () => {
    const selector = { eq: { field: "/s", value: "\ud800" } };
    expect(matchSelector(selector, '{"s":"\ufffd"}')).toBe(false);
    expect(matchSelector(selector, '{"s":"\\ud800"}')).toBe(true);
  });

  it("takes white space, which texts of programs may have", () => {
    expect(matches("/a/b=1,/c[]=2", ' { "a" : { "b" : 1 } ,\n "c" : [ 3 , 2 ] } ')).toBe(true);
  });

  it("takes objects, texts and bytes", () => {
    const selector = parseSelector("/a=1");
    expect(matchSelector(selector, { a: 1 })).toBe(true);
    expect(matchSelector(selector, '{"a":1}')).toBe(true);
    expect(matchSelector(selector, new TextEncoder().encode('{"a":1}'))).toBe(true);
  });

  it("keeps the digits of numbers in a selector's JSON text", () => {
    const text = '{"eq":{"field":"/n","value":9007199254740993}}';
    const matcher = compileSelector(checkSelectorText(text), { nowMs: 0 });
    expect(matcher.matches(Buffer.from('{"n":9007199254740993}'))).toBe(true);
    expect(matcher.matches(Buffer.from('{"n":9007199254740992}'))).toBe(false);
  });

  it("finds names among many, and answers the same when asked again", () => {
    const names = Array.from({ length: 40 }, (_, n) => `member${n}`);
    const text = names.map((name, n) => `or.eq{f=/${name},v=${n}}`).join(",");
    const matcher = compileSelector(checkSelectorText(JSON.stringify(parseSelector(text))), {
      nowMs: 0,
    });
    for (const n of [0, 17, 39, 17]) {
      expect(matcher.matches(Buffer.from(`{"x":1,"member${n}":${n}}`))).toBe(true);
      expect(matcher.matches(Buffer.from(`{"x":1,"member${n}":${n + 1}}`))).toBe(false);
    }
  });
});
