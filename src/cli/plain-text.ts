/**
 * A text that somebody else chose (an owner, a reason, a server's words), as one line: without
 * characters that a terminal acts on, and without those that turn the line around.
 */
export function plainText(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\uffff]|[\u2028-\u202e\u2066-\u2069]/g, "?");
}

/** As {@link plainText} for texts of several lines. */
export function plainLines(text: string): string {
  return text
    .split("\n")
    .map((line) => plainText(line.replaceAll("\t", "  ")))
    .join("\n");
}
