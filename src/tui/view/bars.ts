/** Small drawings made of characters. */

/** The signs of the screen; the second set for terminals that know ASCII only. */
export interface Glyphs {
  readonly bars: readonly string[];
  readonly full: string;
  readonly rest: string;
  readonly live: string;
  readonly lost: string;
  readonly waiting: string;
  readonly rule: string;
  readonly pointer: string;
}

export const unicodeGlyphs: Glyphs = {
  bars: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
  full: "━",
  rest: "─",
  live: "●",
  lost: "✗",
  waiting: "○",
  rule: "─",
  pointer: "▸",
};

export const asciiGlyphs: Glyphs = {
  bars: ["_", ".", "-", "=", "+", "*", "%", "#"],
  full: "#",
  rest: ".",
  live: "*",
  lost: "x",
  waiting: "o",
  rule: "-",
  pointer: ">",
};

/** The newest `width` samples, scaled to the largest of them; nothing at all is the lowest bar. */
export function sparkline(samples: readonly number[], width: number, glyphs: Glyphs): string {
  const shown = samples.slice(-width);
  const largest = Math.max(0, ...shown);
  const top = glyphs.bars.length - 1;
  const bars = shown.map((sample) => {
    if (sample <= 0 || largest === 0) return glyphs.bars[0] ?? "";
    return glyphs.bars[Math.max(1, Math.round((sample / largest) * top))] ?? "";
  });
  return bars.join("").padStart(width);
}

/** How much of a whole is left, at least one sign while anything is. */
export function restBar(fraction: number, width: number, glyphs: Glyphs): [string, string] {
  const bounded = Math.min(1, Math.max(0, fraction));
  const full = bounded === 0 ? 0 : Math.max(1, Math.round(bounded * width));
  return [glyphs.full.repeat(full), glyphs.rest.repeat(width - full)];
}
