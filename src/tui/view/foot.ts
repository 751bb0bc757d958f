/** The bottom of the screen: what was said or is being typed, and which keys do what. */
import { rowsOf } from "../view-model/rows.ts";
import { type DashboardState, focused } from "../view-model/state.ts";
import { cellWidth, clean, cut } from "./cells.ts";
import type { Drawing } from "./drawing.ts";
import { type Line, line, type Span, span } from "./line.ts";
import { grouped, spanText } from "./numbers.ts";
import { troubleLine } from "./trouble.ts";

export function footLines({ state }: Drawing): readonly Line[] {
  return [said(state), keysLine(state)];
}

function said(state: DashboardState): Line {
  const { input, notice, size } = state;
  if (input !== undefined) {
    const sign = input.kind === "filter" ? "/" : ":";
    return line(" ", span(sign, "accent"), clean(input.text), span("▏", "accent"));
  }
  if (notice !== undefined) {
    return line(" ", span(cut(notice.text, size.columns - 2), notice.tone));
  }
  const server = focused(state);
  if (server.failure !== undefined) {
    const { code, detail } = server.failure;
    return line(" ", span(cut(`${code}: ${detail}`, size.columns - 2), "bad"));
  }
  const pieces: Span[] = [];
  if (state.paused) {
    const came = server.held.length === 0 ? "" : `, ${grouped(server.held.length)} events since`;
    pieces.push(span(`paused${came}; p goes on  `, "caution"));
  }
  const filter = state.filters[state.screen];
  if (filter !== "") pieces.push(span(`filter "${clean(filter)}"; Esc clears it  `, "accent"));
  // With nothing to list, the list itself tells it. It may last, so it hides nothing of the above.
  const trouble = rowsOf(state).count === 0 ? undefined : troubleLine(state);
  if (trouble !== undefined && pieces.length === 0) return trouble;
  if (state.screen === "keys" && server.look?.complete === false) {
    pieces.push(span("not every held key is known here  ", "caution"));
  }
  if (state.namespaces.length > 0) {
    pieces.push(span(`namespaces ${state.namespaces.map(clean).join(", ")}  `, "accent"));
  }
  return line(" ", ...pieces);
}

const hints: readonly (readonly [key: string, text: string])[] = [
  ["?", "help"],
  ["q", "quit"],
  ["enter", "more"],
  ["/", "filter"],
  [":", "command"],
  ["p", "pause"],
  ["y", "copy id"],
];

const writeHints: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  keys: [["R", "release"]],
  queues: [
    ["D", "redrive"],
    ["X", "purge"],
  ],
};

function keysLine(state: DashboardState): Line {
  const right = [positionText(state), state.writable ? "WRITE" : "read-only"]
    .filter((text) => text !== "")
    .join("  ");
  const room = state.size.columns - cellWidth(right) - 2;
  const spans: Span[] = [];
  let used = 1;
  const more = state.writable ? (writeHints[state.screen] ?? []) : [];
  for (const [key, text] of [...hints.slice(0, 3), ...more, ...hints.slice(3)]) {
    const width = key.length + text.length + 3;
    if (used + width > room) break;
    used += width;
    spans.push(span(key, "strong"), span(` ${text}  `, "faint"));
  }
  const space = " ".repeat(Math.max(1, room - used + 1));
  return line(" ", ...spans, space, span(right, state.writable ? "caution" : "faint"));
}

/** `12 of 1,234`. */
function positionText(state: DashboardState): string {
  if (state.screen === "overview" || state.screen === "cluster") {
    return `every ${spanText(state.refreshMs)}`;
  }
  const { count } = rowsOf(state);
  const { index } = state.places[state.screen];
  if (state.screen !== "keys") return count === 0 ? "" : `${index + 1} of ${grouped(count)}`;
  const server = focused(state);
  if (count === 0) return "";
  const offset = server.windows.at(-1)?.offset ?? 0;
  const counts = server.look?.counts;
  const more = server.look?.cursor === undefined ? "" : "+";
  const all =
    counts === undefined ? `${grouped(offset + count)}${more}` : grouped(counts.keysMatching);
  const at = offset + Math.min(index, count - 1) + 1;
  return `${grouped(at)} of ${all}`;
}
