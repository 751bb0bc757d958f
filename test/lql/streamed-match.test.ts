import { describe, expect, it, test } from "vitest";
import { compileSelector, type Matcher } from "../../src/lql/match/compile-selector.ts";
import { checkSelector } from "../../src/lql/selector/check-selector.ts";
import { parseSelector } from "../../src/lql/selector/parse-selector.ts";

const compile = (text: string): Matcher =>
  compileSelector(checkSelector(parseSelector(text)), { nowMs: 0 });

/** Far above what is held of one token. */
const long = 300_000;

function streamed(matcher: Matcher, document: string, pieceLength: number): boolean {
  const bytes = Buffer.from(document);
  const match = matcher.start();
  for (let at = 0; at < bytes.length; at += pieceLength) {
    if (match.push(bytes.subarray(at, at + pieceLength))) break;
  }
  return match.end();
}

/** Asked whole and in pieces of several sizes. */
function expectAnswer(text: string, document: string, expected: boolean): void {
  const matcher = compile(text);
  expect(matcher.matches(Buffer.from(document)), "whole").toBe(expected);
  for (const size of [7, 1_000, 65_536, 100_003]) {
    expect(streamed(matcher, document, size), `pieces of ${size}`).toBe(expected);
  }
}

describe("long tokens", () => {
  const filling = "abc ".repeat(long / 4);

  test.each([
    ["contains{f=/s,v=NEEDLE}", `${filling}NEEDLE${filling}`, true],
    ["contains{f=/s,v=NEEDLE}", filling, false],
    ["contains{f=/s,a=other|NEEDLE}", `${filling}NEEDLE`, true],
    ["contains{f=/s,v=needle}", `${filling}NEEDLE`, false],
    ["icontains{f=/s,v=needle}", `${filling}NEEDLE${filling}`, true],
    ["prefix{f=/s,v=abc}", filling, true],
    ["iprefix{f=/s,v=ABC}", filling, true],
    ["prefix{f=/s,v=bc}", filling, false],
    ['eq{f=/s,v="abc "}', filling, false],
    ["/s>1", "1".repeat(long), false],
    ["contains{f=/s}", filling, true],
    ['contains{f=/s,v=""}', filling, true],
    ["exists{/s}", filling, true],
    ["not.exists{/s}", filling, false],
  ])("%s", (text, string, expected) => {
    expectAnswer(text, JSON.stringify({ a: 1, s: string, z: { s: 2 } }), expected);
  });

  it("finds a needle wherever pieces are cut", () => {
    const matcher = compile("contains{f=/s,v=NEEDLE}");
    for (let offset = 65_520; offset < 65_545; offset += 1) {
      const document = JSON.stringify({ s: `${"x".repeat(offset)}NEEDLE${filling}` });
      expect(matcher.matches(Buffer.from(document)), `at ${offset}`).toBe(true);
    }
  });

  it("decodes escapes and characters of several bytes wherever pieces are cut", () => {
    const matcher = compile('icontains{f=/s,v="ä\u{10428}é"}');
    for (let offset = 65_510; offset < 65_545; offset += 1) {
      const lead = "x".repeat(offset);
      const end = `${filling}"}`;
      const escaped = `{"s":"${lead}\\u00c4\\ud801\\udc00\\u00c9${end}`;
      const written = `{"s":"${lead}\u00c4\u{10400}\u00c9${end}`;
      expect(matcher.matches(Buffer.from(escaped)), `escapes at ${offset}`).toBe(true);
      expect(matcher.matches(Buffer.from(written)), `bytes at ${offset}`).toBe(true);
    }
  });

  it("compares with texts that are as long", () => {
    const value = `${filling}ä"\\`;
    const selector = checkSelector({ eq: { field: "/s", value } });
    const matcher = compileSelector(selector, { nowMs: 0 });
    expect(matcher.matches(Buffer.from(JSON.stringify({ s: value })))).toBe(true);
    expect(streamed(matcher, JSON.stringify({ s: value }), 1_000)).toBe(true);
    expect(matcher.matches(Buffer.from(JSON.stringify({ s: `${value}x` })))).toBe(false);
  });

  it("passes over long names, numbers and values that nothing asks for", () => {
    const digits = "7".repeat(long);
    const unasked = `"${filling}":[${digits},"${filling}\\""],"a":${digits}.5`;
    const document = `{${unasked},"n":${digits},"s":1}`;
    expectAnswer("/s=1", document, true);
    expectAnswer("/n>1", document, false);
    expectAnswer('exists{/n},contains{f=/n,v=""}', document, true);
    expectAnswer("/.../s=2", document, false);
  });
});

describe("early answers", () => {
  it("needs no more input once the answer is known", () => {
    const match = compile("/a=1").start();
    expect(match.push(Buffer.from('{"b":2,'))).toBe(false);
    expect(match.push(Buffer.from('"a":1,'))).toBe(true);
    expect(match.end()).toBe(true);
  });

  it("knows a negation as soon as what it denies is there", () => {
    const match = compile("/a!=1,/b=2").start();
    expect(match.push(Buffer.from('{"a":1,'))).toBe(true);
    expect(match.end()).toBe(false);
  });

  it("takes the empty selector as known from the start", () => {
    const match = compile("").start();
    expect(match.push(Buffer.from("["))).toBe(true);
    expect(match.end()).toBe(true);
  });

  it("keeps matches apart that are under way at once", () => {
    const matcher = compile("/a=1");
    const one = matcher.start();
    const other = matcher.start();
    one.push(Buffer.from('{"a":'));
    other.push(Buffer.from('{"b":'));
    expect(matcher.matches(Buffer.from('{"a":2}'))).toBe(false);
    one.push(Buffer.from("1}"));
    other.push(Buffer.from("1}"));
    expect([one.end(), other.end()]).toEqual([true, false]);
  });
});
