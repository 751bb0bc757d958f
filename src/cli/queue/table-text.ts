import { plainText } from "../plain-text.ts";

/** Rows with aligned columns, two spaces between them. */
export function columns(given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(plainText));
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length);
    });
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join("");
}
