/** The clipboard of the terminal, also through ssh: an escape sequence asks the terminal. */

/** Terminals refuse more; 75,000 characters of base64 are understood by all that know it. */
export const clipboardBytesMax = 56_000;

/** OSC 52; undefined when the text is too long for it. */
export function copySequence(text: string): string | undefined {
  const bytes = Buffer.from(text);
  if (bytes.length > clipboardBytesMax) return undefined;
  return `\u001b]52;c;${bytes.toString("base64")}\u0007`;
}
