/** Tables: columns that share the width of the window, the least important ones leaving first. */
import { sized } from "./cells.ts";
import { type Line, line, type Span, span } from "./line.ts";

export interface Column<Row> {
  readonly title: string;
  /** Cells; with `grow` the least it needs. */
  readonly width: number;
  /** Share of the cells that are left over. */
  readonly grow?: number;
  /** A growing column does not get wider than this. */
  readonly widthMax?: number;
  readonly align?: "right";
  /** Where a text that is too long loses its characters. */
  readonly cut?: "middle";
  /** Shown from this window width on; absent: always. */
  readonly from?: number;
  readonly cell: (row: Row, width: number) => Span | string | readonly Span[];
}

export interface Table<Row> {
  readonly head: Line;
  readonly row: (row: Row) => Line;
}

const gap = "  ";

/** Lays the columns out for a window. */
export function table<Row>(columns: readonly Column<Row>[], width: number): Table<Row> {
  const shown = columns.filter(({ from = 0 }) => width >= from);
  const widths = shares(shown, width);
  const lay = (cells: readonly (readonly Span[])[]): Line =>
    line(" ", ...cells.flatMap((cell, at) => (at === 0 ? cell : [span(gap), ...cell])));
  return {
    head: lay(
      shown.map((column, at) => [span(sized(column.title, widths[at] ?? 0, column), "faint")]),
    ),
    row: (row) =>
      lay(
        shown.map((column, at) => {
          const cellWidth = widths[at] ?? 0;
          const cell = column.cell(row, cellWidth);
          if (Array.isArray(cell)) return cell as readonly Span[];
          const one = typeof cell === "string" ? span(cell) : (cell as Span);
          return [span(sized(one.text, cellWidth, column), one.tone)];
        }),
      ),
  };
}

function shares<Row>(columns: readonly Column<Row>[], width: number): number[] {
  const widths = columns.map((column) => column.width);
  const taken = widths.reduce((sum, one) => sum + one, 0);
  // One cell of margin on each side.
  let free = width - 2 - taken - gap.length * Math.max(0, columns.length - 1);
  let growing = columns.map((_, at) => at).filter((at) => (columns[at]?.grow ?? 0) > 0);
  while (free > 0 && growing.length > 0) {
    const weight = growing.reduce((sum, at) => sum + (columns[at]?.grow ?? 0), 0);
    const before = free;
    for (const at of growing) {
      const column = columns[at];
      if (column === undefined) continue;
      const room = (column.widthMax ?? Number.POSITIVE_INFINITY) - (widths[at] ?? 0);
      const wanted = Math.ceil((before * (column.grow ?? 0)) / weight);
      const more = Math.min(room, wanted, free);
      widths[at] = (widths[at] ?? 0) + more;
      free -= more;
    }
    growing = growing.filter((at) => (widths[at] ?? 0) < (columns[at]?.widthMax ?? width));
    if (free === before) break;
  }
  return widths;
}
