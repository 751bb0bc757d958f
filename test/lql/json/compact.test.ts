/** Compaction against `JSON.parse` and a slow reference, under every cut. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compactJson, JsonCompactor, JsonSyntaxError } from "../../../src/lql/json/compact.ts";

const depthMax = 200;

function compactText(text: string): string {
  return Buffer.from(compactJson(Buffer.from(text), depthMax)).toString();
}

/** Drops white space outside strings, one character at a time. */
function reference(text: string): string {
  let out = "";
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? "";
    if (inString && character === "\\") {
      out += character + (text[at + 1] ?? "");
      at += 1;
      continue;
    }
    if (character === '"') inString = !inString;
    if (inString || !" \t\r\n".includes(character)) out += character;
  }
  return out;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const spaced = fc
  .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 1, "\t", " \n "))
  .map(([value, indent]) => JSON.stringify(value, undefined, indent) ?? "null");

const mutated = fc
  .tuple(
    spaced,
    fc.nat(),
    fc.constantFrom("", " ", "0", "-", '"', "\\", ",", "]", "}", "e", ".", "\u0001"),
  )
  .map(([text, at, insert]) => {
    const cut = text.length === 0 ? 0 : at % text.length;
    return text.slice(0, cut) + insert + text.slice(cut + (at % 3 === 0 ? 1 : 0));
  });

describe("agrees with JSON.parse and the reference", () => {
  test("on valid and on damaged text", () => {
    fc.assert(
      fc.property(fc.oneof(spaced, mutated), (text) => {
        // JSON.parse works on characters; a lone surrogate is no UTF-8 text.
        fc.pre(text.isWellFormed());
        if (parses(text)) {
          expect(compactText(text)).toBe(reference(text));
          expect(JSON.parse(compactText(text))).toEqual(JSON.parse(text));
        } else {
          expect(() => compactText(text)).toThrow(JsonSyntaxError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("however the bytes are cut", () => {
    fc.assert(
      fc.property(
        spaced,
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (text, cuts) => {
          const bytes = Buffer.from(text);
          const compactor = new JsonCompactor({ depthMax });
          const parts: Buffer[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const end = at + (cuts[turn % cuts.length] ?? 1);
            parts.push(Buffer.from(compactor.push(bytes.subarray(at, end))));
            at = end;
          }
          compactor.end();
          expect(Buffer.concat(parts).toString()).toBe(reference(text));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("the contract's table", () => {
  test.each([
    ['{ "a" : 1 }', '{"a":1}'],
    [
      '{"b":1.0,"a":12345678901234567890,"a":"\\u00e9"}',
      '{"b":1.0,"a":12345678901234567890,"a":"\\u00e9"}',
    ],
    [" null\n", "null"],
    ['"x"', '"x"'],
    ["[ ]", "[]"],
    ["-0", "-0"],
    ["1e5 ", "1e5"],
    ['" a\\" b "', '" a\\" b "'],
  ])("%s becomes %s", (raw, compacted) => {
    expect(compactText(raw)).toBe(compacted);
  });

  test.each([
    ["", 0],
    ["  ", 2],
    ["{", 1],
    ["{}{}", 2],
    ["01", 1],
    ["1 2", 2],
    ["-", 1],
    ["1.", 2],
    ["1.e5", 2],
    ["+1", 0],
    ["[1,]", 3],
    ['{"a":1,}', 7],
    ["{a:1}", 1],
    ['"a\u0001"', 2],
    ['"\\x"', 2],
    ['"\\u12g4"', 5],
    ["nul", 3],
    ["nulL", 3],
    ["\uFEFF1", 0],
    ["// c\n1", 0],
    ["[1}", 2],
    ["tru e", 3],
  ])("%j is refused at byte %i", (text, position) => {
    let error: unknown;
    try {
      compactText(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(JsonSyntaxError);
    expect((error as JsonSyntaxError).position).toBe(position);
  });

  test("bytes from 0x80 on pass through strings unverified", () => {
    const raw = Buffer.from([0x22, 0x80, 0xff, 0xc3, 0x22]);
    expect(compactJson(raw, depthMax)).toEqual(raw);
  });

  test("nesting is bounded, one level less is accepted", () => {
    expect(compactText("[".repeat(200) + "]".repeat(200))).toHaveLength(400);
    expect(() => compactText("[".repeat(201) + "]".repeat(201))).toThrow(/nested deeper than 200/);
  });

  test("nothing to remove: no copy", () => {
    const raw = Buffer.from('{"a":[1,2]}');
    expect(compactJson(raw, depthMax)).toBe(raw);
  });
});
