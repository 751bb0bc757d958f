/**
 * What a meaning looks like. Blue, yellow and magenta can be told apart with every common kind of
 * colour blindness; red against green is not used. Without colour the weight of letters is left.
 */
import type { TextProps } from "ink";
import type { Tone } from "../view/line.ts";

export type Looks = Pick<TextProps, "color" | "bold" | "dimColor">;

const coloured: Readonly<Record<Tone, Looks>> = {
  plain: {},
  faint: { dimColor: true },
  strong: { bold: true },
  accent: { color: "cyan", bold: true },
  good: { color: "blueBright" },
  caution: { color: "yellow" },
  bad: { color: "magentaBright", bold: true },
};

const monochrome: Readonly<Record<Tone, Looks>> = {
  plain: {},
  faint: { dimColor: true },
  strong: { bold: true },
  accent: { bold: true },
  good: {},
  caution: { bold: true },
  bad: { bold: true },
};

export function looksOf(tone: Tone, hasColour: boolean): Looks {
  return (hasColour ? coloured : monochrome)[tone];
}
