/** Help, details and questions, in place of the screen's body. */
import { confirmation, consequences } from "../view-model/actions.ts";
import { helpRows } from "../view-model/help-rows.ts";
import { bodyRows } from "../view-model/layout.ts";
import { eventLines } from "../view-model/overlay-lines.ts";
import type { DashboardState, Overlay } from "../view-model/state.ts";
import { clean, cut, sized } from "./cells.ts";
import type { Drawing } from "./drawing.ts";
import { emptyLine, type Line, line, span } from "./line.ts";
import { grouped } from "./numbers.ts";

export function overlayBody(drawing: Drawing, overlay: Overlay): readonly Line[] {
  switch (overlay.kind) {
    case "help":
      return helpBody(drawing.state, overlay.top);
    case "detail":
      return detailBody(drawing.state, overlay);
    case "confirm":
      return questionBody(drawing.state, overlay);
  }
}

function helpBody(state: DashboardState, top: number): readonly Line[] {
  const rows = helpRows(state).map(({ keys, text }) =>
    line("  ", span(keys.padEnd(22), "strong"), cut(text, Math.max(0, state.size.columns - 26))),
  );
  return scrolled(state, { title: "keys and commands", lines: rows, top });
}

type DetailOverlay = Overlay & { readonly kind: "detail" };

function detailBody(state: DashboardState, overlay: DetailOverlay): readonly Line[] {
  const { subject, detail, failure, top } = overlay;
  const title = titleOf(overlay);
  const room = state.size.columns - 4;
  if (subject.kind === "event") {
    const lines = eventLines(subject.event).map((text) => line("  ", cut(text, room)));
    return scrolled(state, { title, lines, top });
  }
  if (failure !== undefined) {
    const text = cut(`${failure.code}: ${failure.detail}`, room);
    return scrolled(state, { title, lines: [line("  ", span(text, "bad"))], top });
  }
  if (detail === undefined) {
    return scrolled(state, { title, lines: [line("  ", span("asking ...", "faint"))], top });
  }
  const width = Math.max(0, ...detail.facts.map(([label]) => label.length));
  const count = detail.facts.length;
  const height = bodyRows(state);
  // Of the text only the part that is seen is laid out: it may have thousands of lines.
  const text = detail.lines.slice(Math.max(0, top - count - 2), top + height);
  const all = (at: number): Line => {
    const fact = detail.facts[at];
    if (fact !== undefined) {
      const [label, value] = fact;
      return line("  ", span(sized(label, width), "faint"), "  ", cut(value, room - width - 2));
    }
    if (at === count) return emptyLine;
    if (at === count + 1) return line("  ", span(clean(detail.heading), "accent"));
    const shown = text[at - count - 2 - Math.max(0, top - count - 2)];
    return shown === undefined ? emptyLine : line("  ", cut(shown, room));
  };
  const total = count + 2 + detail.lines.length;
  const shown = Array.from({ length: Math.min(height - 2, total - top) }, (_, row) =>
    all(top + row),
  );
  return [titleLine(state, { title, top, total }), emptyLine, ...shown];
}

function titleOf({ subject }: DetailOverlay): string {
  switch (subject.kind) {
    case "key":
      return `key ${subject.namespace === "" ? "" : `${subject.namespace}/`}${subject.key}`;
    case "queue":
      return `queue ${subject.namespace}/${subject.queue}`;
    case "transaction":
      return `transaction ${subject.txnId}`;
    case "event":
      return subject.event.kind.replaceAll("_", " ");
  }
}

interface Scrolled {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly top: number;
}

function scrolled(state: DashboardState, { title, lines, top }: Scrolled): readonly Line[] {
  const height = bodyRows(state) - 2;
  const head = titleLine(state, { title, top, total: lines.length });
  return [head, emptyLine, ...lines.slice(top, top + height)];
}

function titleLine(
  state: DashboardState,
  { title, top, total }: { title: string; top: number; total: number },
): Line {
  const height = bodyRows(state) - 2;
  const from = grouped(Math.min(top + 1, total));
  const to = grouped(Math.min(total, top + height));
  const where = total <= height ? "Esc closes" : `${from}-${to} of ${grouped(total)}  Esc closes`;
  const room = state.size.columns - where.length - 4;
  return line(" ", span(sized(title, room), "accent"), " ", span(where, "faint"));
}

function questionBody(
  state: DashboardState,
  { action, typed }: Overlay & { readonly kind: "confirm" },
): readonly Line[] {
  const room = state.size.columns - 4;
  const [question = "", ...rest] = consequences(action);
  return [
    emptyLine,
    line("  ", span(cut(question, room), "caution")),
    ...rest.map((text) => line("  ", cut(text, room))),
    emptyLine,
    line(
      "  ",
      span(`type ${confirmation} and Enter: `, "strong"),
      clean(typed),
      span("▏", "accent"),
    ),
    line("  ", span("Esc calls it off", "faint")),
  ];
}
