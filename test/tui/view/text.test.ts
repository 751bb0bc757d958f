import fc from "fast-check";
import { expect, test } from "vitest";
import { asciiGlyphs, restBar, sparkline, unicodeGlyphs } from "../../../src/tui/view/bars.ts";
import { cellWidth, clean, cut, sized } from "../../../src/tui/view/cells.ts";
import { lineText } from "../../../src/tui/view/line.ts";
import { ageText, compact, grouped, rateText, spanText } from "../../../src/tui/view/numbers.ts";
import { table } from "../../../src/tui/view/table.ts";

test("whatever a name holds, nothing of it reaches the terminal as a command", () => {
  const hostile = "a\u001b]52;c;aGk=\u0007\u009b31m\u202e\u200bb\r\n\ttail";
  expect(clean(hostile)).toBe("a�]52;c;aGk=��31m��b���tail");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(clean(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/);
    }),
  );
});

test("a text is cut to what fits and padded to what is asked for, in cells", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom("end", "middle") as fc.Arbitrary<"end" | "middle">,
      (text, width, where) => {
        expect(cellWidth(cut(text, width, where))).toBeLessThanOrEqual(width);
        expect(cellWidth(sized(text, width, { cut: where }))).toBe(width);
      },
    ),
  );
});

test("the end or the middle is left out", () => {
  expect(cut("reports/2026/q4", 10)).toBe("reports/2…");
  expect(cut("reports/2026/q4", 10, "middle")).toBe("repor…6/q4");
  expect(cut("漢字漢字漢字", 7)).toBe("漢字漢…");
  expect(sized("ab", 5, { align: "right" })).toBe("   ab");
  expect(cellWidth("e\u0301")).toBe(1);
});

test("numbers and times", () => {
  expect([0, 9_999, 10_000, 99_949, 99_951, 250_000, 999_499, 4_100_000].map(compact)).toEqual([
    "0",
    "9999",
    "10.0k",
    "99.9k",
    "100k",
    "250k",
    "999k",
    "4.1M",
  ]);
  expect(grouped(1_234_567)).toBe("1,234,567");
  const ages = [-1, 999, 59_999, 61_000, 3_600_000, 90_061_000].map(ageText);
  expect(ages).toEqual(["0s", "0s", "59s", "1m 01s", "1h 00m", "1d 1h"]);
  expect([300, 2_000, 2_500, 90_000].map(spanText)).toEqual(["300ms", "2s", "2.5s", "1m 30s"]);
  expect([undefined, 0, 0.25, 9.96, 12_345].map(rateText)).toEqual([
    "-",
    "0",
    "0.3",
    "10",
    "12.3k",
  ]);
});

test("bars show at least something of anything", () => {
  expect(sparkline([0, 1, 50, 100], 6, unicodeGlyphs)).toBe("  ▁▂▅█");
  expect(sparkline([0, 0], 2, asciiGlyphs)).toBe("__");
  expect(sparkline([1, 2, 3, 4], 2, unicodeGlyphs)).toBe("▆█");
  expect(restBar(0.001, 5, asciiGlyphs)).toEqual(["#", "...."]);
  expect(restBar(0, 5, asciiGlyphs)).toEqual(["", "....."]);
  expect(restBar(7, 5, asciiGlyphs)).toEqual(["#####", ""]);
});

test("columns share what is left over, and the unimportant ones leave first", () => {
  const columns = [
    { title: "NAME", width: 4, grow: 1, cell: (row: string) => row },
    { title: "N", width: 3, align: "right" as const, cell: () => "7" },
    { title: "MORE", width: 4, from: 30, cell: () => "x" },
  ];
  const narrow = table(columns, 20);
  expect(lineText(narrow.head)).toBe(" NAME             N");
  expect(lineText(narrow.row("abc"))).toBe(" abc              7");
  expect(lineText(table(columns, 40).head)).toBe(" NAME                           N  MORE");
});
