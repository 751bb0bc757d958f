/** The whole screen as lines, exactly as many as the window has rows. Pure: state in, lines out. */
import { columnsMin, rowsMin } from "../limits.ts";
import { bodyRows } from "../view-model/layout.ts";
import { asciiGlyphs } from "./bars.ts";
import { clusterBody } from "./cluster-body.ts";
import type { Drawing } from "./drawing.ts";
import { footLines } from "./foot.ts";
import { headLines } from "./head.ts";
import { asciiLine, emptyLine, type Line, line } from "./line.ts";
import { eventsBody, keysBody, queuesBody, transactionsBody } from "./list-bodies.ts";
import { overlayBody } from "./overlay-body.ts";
import { overviewBody } from "./overview-body.ts";

export function frameLines(drawing: Drawing): readonly Line[] {
  const { columns, rows } = drawing.state.size;
  if (columns < columnsMin || rows < rowsMin) {
    const text = `lockd needs ${columnsMin}x${rowsMin}, this is ${columns}x${rows}`;
    return padded([line(text.slice(0, columns))], rows);
  }
  const body = padded(bodyLines(drawing), bodyRows(drawing.state));
  const lines = [...headLines(drawing), ...body, ...footLines(drawing)];
  return drawing.glyphs === asciiGlyphs ? lines.map(asciiLine) : lines;
}

function bodyLines(drawing: Drawing): readonly Line[] {
  const { state } = drawing;
  if (state.overlay !== undefined) return overlayBody(drawing, state.overlay);
  switch (state.screen) {
    case "overview":
      return overviewBody(drawing);
    case "keys":
      return keysBody(drawing);
    case "queues":
      return queuesBody(drawing);
    case "transactions":
      return transactionsBody(drawing);
    case "cluster":
      return clusterBody(drawing);
    case "events":
      return eventsBody(drawing);
  }
}

function padded(lines: readonly Line[], rows: number): readonly Line[] {
  const missing = Math.max(0, rows - lines.length);
  return [...lines.slice(0, rows), ...Array<Line>(missing).fill(emptyLine)];
}
