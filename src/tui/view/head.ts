/** The top of the screen: which screen this is, and how every server is doing. */
import { lookAgeMs, type ServerState, screenNames } from "../view-model/state.ts";
import { cellWidth, clean, cut } from "./cells.ts";
import type { Drawing } from "./drawing.ts";
import { type Line, line, type Span, span } from "./line.ts";
import { ageText, clockText } from "./numbers.ts";

export function headLines(drawing: Drawing): readonly Line[] {
  const { state, glyphs } = drawing;
  const { columns } = state.size;
  return [tabs(drawing), serverStrip(drawing), line(span(glyphs.rule.repeat(columns), "faint"))];
}

function tabs({ state }: Drawing): Line {
  const { columns } = state.size;
  const clock = clockText(state.nowMs);
  const spans: Span[] = [span(" lockd ", "strong")];
  screenNames.forEach((name, at) => {
    const isShown = name === state.screen;
    const short = name === "transactions" && columns < 100 ? "txns" : name;
    // A narrow window has room for the numbers only, and the name of the screen that is shown.
    const label = columns >= 78 || isShown ? `${at + 1} ${short}` : String(at + 1);
    spans.push(span(isShown ? `[${label}]` : ` ${label} `, isShown ? "accent" : "plain"));
  });
  const used = spans.reduce((sum, { text }) => sum + cellWidth(text), 0);
  const room = columns - used - clock.length - 1;
  return room < 1 ? line(...spans) : line(...spans, span(" ".repeat(room)), span(clock, "faint"));
}

function serverStrip(drawing: Drawing): Line {
  const { state } = drawing;
  const [only] = state.servers;
  if (state.servers.length === 1 && only !== undefined) return oneServer(drawing, only);
  const width = Math.max(10, Math.floor((state.size.columns - 2) / state.servers.length) - 4);
  const spans = state.servers.flatMap((server, at) => [
    span(at === 0 ? " " : "  "),
    signOf(drawing, server),
    span(" "),
    span(
      cut(`${at + 1} ${server.label}${server.phase === "lost" ? " lost" : ""}`, width, "middle"),
      at === state.focus ? "accent" : "plain",
    ),
  ]);
  return line(...spans);
}

function oneServer(drawing: Drawing, server: ServerState): Line {
  const { look } = server;
  const { columns } = drawing.state.size;
  const parts = [clean(server.label)];
  if (look !== undefined) {
    parts.push(look.mode);
    if (look.version !== undefined) parts.push(`lockd ${look.version}`);
    if (look.uptimeMs !== undefined) parts.push(`up ${ageText(look.uptimeMs)}`);
  }
  const state = phaseText(drawing, server);
  const room = columns - 5 - cellWidth(state.text);
  return line(" ", signOf(drawing, server), " ", cut(parts.join("  "), room), "  ", state);
}

/** The sign of a server's state; its shape says the same as its colour. */
export function signOf({ glyphs }: Drawing, server: ServerState): Span {
  if (server.phase === "connecting") return span(glyphs.waiting, "caution");
  if (server.phase === "lost") return span(glyphs.lost, "bad");
  return server.look?.draining === true
    ? span(glyphs.waiting, "caution")
    : span(glyphs.live, "good");
}

/** In words: live, draining, or how old what is shown has become. */
export function phaseText({ state }: Drawing, server: ServerState): Span {
  if (server.phase === "connecting") return span("connecting", "caution");
  if (server.phase === "lost") {
    const age = server.look === undefined ? "" : `, data ${ageText(lookAgeMs(state, server))} old`;
    return span(`not reachable${age}`, "bad");
  }
  return server.look?.draining === true ? span("draining", "caution") : span("live", "good");
}
