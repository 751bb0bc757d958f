/** A line of the screen as pieces of text with a meaning; how that looks is decided in drawing. */
import { cellWidth } from "./cells.ts";

/**
 * `good`, `caution` and `bad` never stand alone: a word or sign beside them says the same, for
 * those who do not see colours.
 */
export type Tone = "plain" | "faint" | "strong" | "accent" | "good" | "caution" | "bad";

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export interface Line {
  readonly spans: readonly Span[];
  /** Shown reversed: the selected row. */
  readonly selected: boolean;
}

export function span(text: string, tone: Tone = "plain"): Span {
  return { text, tone };
}

export function line(...spans: readonly (Span | string)[]): Line {
  const all = spans.map((piece) => (typeof piece === "string" ? span(piece) : piece));
  return { spans: all.filter(({ text }) => text !== ""), selected: false };
}

/** Reversed from one edge of the window to the other. */
export function selectedLine(of: Line, columns: number): Line {
  const used = of.spans.reduce((sum, { text }) => sum + cellWidth(text), 0);
  const rest = span(" ".repeat(Math.max(0, columns - used)));
  return { spans: [...of.spans, rest], selected: true };
}

export const emptyLine: Line = { spans: [], selected: false };

/** The signs for what was left out and for the place of typing, for terminals with ASCII only. */
export function asciiLine(of: Line): Line {
  const spans = of.spans.map(({ text, tone }) =>
    span(text.replaceAll("…", "~").replaceAll("▏", "_"), tone),
  );
  return { ...of, spans };
}

/** The line without its looks. */
export function lineText({ spans }: Line): string {
  return spans
    .map(({ text }) => text)
    .join("")
    .trimEnd();
}

export function sameLine(one: Line, other: Line): boolean {
  if (one === other) return true;
  if (one.selected !== other.selected || one.spans.length !== other.spans.length) return false;
  return one.spans.every(({ text, tone }, at) => {
    const twin = other.spans[at];
    return twin?.text === text && twin.tone === tone;
  });
}
