/** The first screen: a card for each server, then what ends soonest and the fullest queues. */
import type { QueueCounted, QueueSummary } from "../../api/queues.ts";
import { bodyRows } from "../view-model/layout.ts";
import { queueId } from "../view-model/queue-rates.ts";
import { wantedQueues } from "../view-model/rows.ts";
import { focused, type ServerState } from "../view-model/state.ts";
import { cellWidth, clean, cut, sized } from "./cells.ts";
import type { Drawing } from "./drawing.ts";
import { phaseText, signOf } from "./head.ts";
import { leaseTable } from "./lease-table.ts";
import { emptyLine, type Line, line, type Span, span } from "./line.ts";
import { ageText, compact, grouped, isAtLeast } from "./numbers.ts";
import { queueTable } from "./queue-table.ts";

const cardWidthMin = 38;
const cardRows = 6;

export function overviewBody(drawing: Drawing): readonly Line[] {
  const cards = cardLines(drawing);
  const room = bodyRows(drawing.state) - cards.length;
  if (room < 4) return cards;
  // Little room is better given to one list than cut in two.
  if (room < 9) return [...cards, ...leasesPart(drawing, room)];
  const half = Math.floor((room - 2) / 2);
  return [
    ...cards,
    ...padded(leasesPart(drawing, half), half + 1),
    ...queuesPart(drawing, room - half - 1),
  ];
}

function padded(lines: readonly Line[], rows: number): readonly Line[] {
  const missing = Math.max(0, rows - lines.length);
  return [...lines, ...Array<Line>(missing).fill(emptyLine)];
}

/** Side by side as many as fit; the others below them. */
function cardLines(drawing: Drawing): readonly Line[] {
  const { servers, size } = drawing.state;
  const perRow = Math.max(1, Math.min(servers.length, Math.floor(size.columns / cardWidthMin)));
  const width = Math.floor((size.columns - 1) / perRow) - 1;
  const lines: Line[] = [];
  for (let from = 0; from < servers.length; from += perRow) {
    const cards = servers
      .slice(from, from + perRow)
      .map((server, at) => card(drawing, { server, index: from + at, width }));
    const rows = servers.length === 1 ? cardRows - 1 : cardRows;
    for (let row = 0; row < rows; row += 1) {
      lines.push(line(...cards.flatMap((one) => [span(" "), ...(one[row] ?? [])])));
    }
  }
  return lines;
}

interface Card {
  readonly server: ServerState;
  readonly index: number;
  readonly width: number;
}

type CardRow = readonly Span[];

function card(drawing: Drawing, { server, index, width }: Card): readonly CardRow[] {
  const { state } = drawing;
  const isFocused = index === state.focus;
  const isChosen = state.servers.length > 1 && state.places.overview.index === index;
  const phase = phaseText(drawing, server);
  const room = width - phase.text.length - 6;
  const facts = cardFacts(drawing, server).map(filled(width));
  const space: CardRow = [span(" ".repeat(width))];
  // The only server stands in the head of the screen already.
  if (state.servers.length === 1) return [...facts, space];
  const head: CardRow = [
    span(isChosen ? drawing.glyphs.pointer : " ", "accent"),
    signOf(drawing, server),
    span(" "),
    span(sized(server.label, room, { cut: "middle" }), isFocused ? "accent" : "strong"),
    span("  "),
    phase,
    span(" "),
  ];
  return [head, ...facts, space];
}

/** Cuts or pads a row to the card's width. */
function filled(width: number): (facts: readonly Fact[]) => CardRow {
  return (facts) => {
    const spans: Span[] = [span("   ")];
    let used = 3;
    for (const { label, value, tone = "plain", mayBeCut = false } of facts) {
      const room = width - used - label.length - 3;
      const text = cut(value, Math.max(0, room));
      // Half a number says nothing, or something wrong.
      if (text === "" || (!mayBeCut && text !== clean(value))) break;
      spans.push(span(`${label} `, "faint"), span(text, tone), span("  "));
      used += label.length + 3 + cellWidth(text);
    }
    return [...spans, span(" ".repeat(Math.max(0, width - used)))];
  };
}

interface Fact {
  readonly label: string;
  readonly value: string;
  readonly tone?: Span["tone"] | undefined;
  readonly mayBeCut?: boolean;
}

function cardFacts(drawing: Drawing, { look, failure }: ServerState): readonly (readonly Fact[])[] {
  const trouble: readonly Fact[] =
    failure === undefined
      ? []
      : [{ label: failure.code, value: failure.detail, tone: "bad", mayBeCut: true }];
  if (look === undefined) return [trouble, [], [], []];
  const { counts, mode, store, version, uptimeMs } = look;
  const about: Fact[] = [{ label: "store", value: store, mayBeCut: true }];
  if (drawing.state.servers.length > 1) {
    if (uptimeMs !== undefined) about.unshift({ label: "up", value: ageText(uptimeMs) });
    about.unshift({ label: mode, value: version ?? "-" });
  }
  const unknown = look.trouble.some(({ part }) => part === "leases") ? "not known" : "-";
  const keys: readonly Fact[] = [
    { label: "keys held", value: counts === undefined ? unknown : grouped(counts.keysHeld) },
    { label: "waiting", value: counts?.waiters === undefined ? "-" : grouped(counts.waiters) },
    { label: "staged", value: counts === undefined ? "-" : grouped(counts.staged) },
  ];
  return [failure === undefined ? about : trouble, keys, queueFacts(drawing, look), txnFacts(look)];
}

function queueFacts(_: Drawing, look: NonNullable<ServerState["look"]>): readonly Fact[] {
  const trouble = look.trouble.find(({ part }) => part === "queues");
  if (trouble !== undefined) return [{ label: "queues", value: trouble.code, tone: "caution" }];
  const sum = (of: (queue: QueueSummary) => number): number =>
    look.queues.reduce((total, queue) => total + of(queue), 0);
  const dead = sum((queue) => queue.dead);
  const plus = look.moreQueues ? "+" : "";
  const open = (kind: QueueCounted): string =>
    look.queues.some((queue) => isAtLeast(queue, kind)) ? "+" : "";
  return [
    { label: "queues", value: `${grouped(look.queues.length)}${plus}` },
    { label: "ready", value: compact(sum((queue) => queue.ready)) + open("messages") },
    { label: "dead", value: compact(dead) + open("dead"), tone: dead > 0 ? "bad" : "plain" },
    { label: "in flight", value: compact(sum((queue) => queue.inFlight)) + open("messages") },
  ];
}

function txnFacts(look: NonNullable<ServerState["look"]>): readonly Fact[] {
  const trouble = look.trouble.find(({ part }) => part === "transactions");
  if (trouble !== undefined && look.transactions.length === 0) {
    return [{ label: "transactions", value: trouble.code, tone: "caution" }];
  }
  const doubtful = look.transactions.filter(({ inDoubt }) => inDoubt).length;
  const plus = look.moreTransactions ? "+" : "";
  return [
    { label: "transactions", value: `${grouped(look.transactions.length)}${plus}` },
    ...(trouble === undefined
      ? []
      : [{ label: "unreadable", value: trouble.code, tone: "caution" as const }]),
    { label: "in doubt", value: grouped(doubtful), tone: doubtful > 0 ? "bad" : "plain" },
    { label: "tc", value: look.tc.mode === "local" ? "local mode" : look.tc.mode },
  ];
}

function heading({ state }: Drawing, text: string): Line {
  const name = state.servers.length > 1 ? ` on ${focused(state).label}` : "";
  return line(" ", span(cut(`${text}${name}`, state.size.columns - 2), "accent"));
}

function leasesPart(drawing: Drawing, rows: number): readonly Line[] {
  const { state } = drawing;
  const { head, row } = leaseTable(drawing);
  const leases = focused(state).look?.leases ?? [];
  const title = state.order === "expiry" ? "leases that end first" : "leases by name";
  const shown = leases.slice(0, Math.max(0, rows - 2));
  return [heading(drawing, title), head, ...shown.map(row)];
}

function queuesPart(drawing: Drawing, rows: number): readonly Line[] {
  const { head, row } = queueTable(drawing);
  const queues = wantedQueues(drawing.state, focused(drawing.state).look?.queues ?? []);
  const fullest = [...queues]
    .sort((a, b) => weight(b) - weight(a) || (queueId(a) < queueId(b) ? -1 : 1))
    .slice(0, Math.max(0, rows - 2));
  return [heading(drawing, "fullest queues"), head, ...fullest.map(row)];
}

function weight({ ready, delayed, inFlight, dead }: QueueSummary): number {
  return ready + delayed + inFlight + dead;
}
