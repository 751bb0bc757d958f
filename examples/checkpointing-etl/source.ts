/** What is to be copied, and how. */
export const source: readonly number[] = Array.from({ length: 1_000 }, (_, n) => n);

export function transformed(row: number): number {
  return row * row;
}
