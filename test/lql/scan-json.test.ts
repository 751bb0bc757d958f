import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeString, foldCase } from "../../src/lql/json/decode-string.ts";
import { ContainerSkip, closingQuoteFrom, stringCut } from "../../src/lql/json/scan-json.ts";

/** The same byte by byte. */
function closingQuote(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1;
  return at;
}

/** Runs of plain bytes around the length where the search changes, with escapes and quotes. */
const content = fc
  .array(
    fc.oneof(
      fc.constantFrom("\\\\", '\\"', "\\", '"', "x"),
      fc.integer({ min: 58, max: 70 }).map((length) => "y".repeat(length)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.from(parts.join("")));

describe("steps over JSON bytes", () => {
  it("finds the quote that ends a string, near and far, escaped or not", () => {
    fc.assert(
      fc.property(content, fc.nat(), (bytes, cut) => {
        for (const end of [bytes.length, cut % (bytes.length + 1)]) {
          expect(closingQuoteFrom(bytes, 0, end)).toBe(closingQuote(bytes, 0, end));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("passes over a container in pieces as in one", () => {
    const values = fc.jsonValue().map((value) => JSON.stringify([value, '"\\', value]));
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 7 }), (text, size) => {
        const bytes = Buffer.from(`${text}]]`);
        const skip = new ContainerSkip();
        skip.start();
        let taken = 1;
        while (!skip.done) {
          const piece = bytes.subarray(taken, taken + size);
          expect(piece.length).toBeGreaterThan(0);
          taken += skip.run(piece, 0, piece.length);
        }
        expect(taken).toBe(Buffer.byteLength(text));
      }),
    );
  });

  it("cuts strings only between characters and escapes", () => {
    const text = fc.array(fc.constantFrom("a", "ä", "€", "\u{1F600}", "\\n", "\\u00e4"));
    fc.assert(
      fc.property(text, fc.nat(), (parts, at) => {
        const bytes = Buffer.from(parts.join(""));
        const end = at % (bytes.length + 1);
        const cut = stringCut(bytes, 0, end);
        expect(end - cut).toBeLessThan(6);
        expect(stringCut(bytes, 0, bytes.length)).toBe(bytes.length);
        const decode = (from: number, to: number): string =>
          decodeString(bytes, { from, to, escaped: true });
        const joined = decode(0, cut) + decode(cut, bytes.length);
        expect(joined).toBe(decode(0, bytes.length));
      }),
    );
  });

  it("decodes strings as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const json = JSON.stringify(text);
        const bytes = Buffer.from(json);
        const span = { from: 1, to: bytes.length - 1, escaped: json.includes("\\") };
        expect(decodeString(bytes, span)).toBe(JSON.parse(json));
      }),
    );
  });

  it("folds case by character, so that parts fold like the whole", () => {
    expect(foldCase("ΟΔΟΣ Σ")).toBe("οδοσ σ");
    expect(foldCase("İI")).toBe("i\u0307i");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (a, b) => {
        expect(foldCase(a) + foldCase(b)).toBe(foldCase(a + b));
      }),
    );
  });
});
