import { plainText } from "./plain-text.ts";

/** What of a list cannot be read. */
export interface Damaged {
  readonly id: string;
  readonly detail: string;
}

/** For stderr, so that the list stays a list; empty when all can be read. */
export function damagedText(damaged: readonly Damaged[]): string {
  const lines = damaged.map(({ id, detail }) =>
    plainText(`damaged: ${id} cannot be read (${detail})`),
  );
  if (lines.length > 0) lines.push("next: see lockd verify store, and docs/operations.md");
  return lines.join("\n");
}
