/** What happened, newest first. */
import type { Happening } from "../source/dashboard-source.ts";
import type { Drawing } from "./drawing.ts";
import { span, type Tone } from "./line.ts";
import { clockText, grouped } from "./numbers.ts";
import { type Column, type Table, table } from "./table.ts";

export function eventTable(drawing: Drawing): Table<Happening> {
  return table(columns, drawing.state.size.columns);
}

const columns: readonly Column<Happening>[] = [
  { title: "TIME", width: 8, cell: ({ atUnixMs }) => span(clockText(atUnixMs), "faint") },
  {
    title: "WHAT",
    width: 16,
    cell: ({ kind }) => span(kind.replaceAll("_", " "), toneOf(kind)),
  },
  {
    title: "WHERE",
    width: 16,
    grow: 3,
    widthMax: 70,
    cut: "middle",
    cell: (event) => span(whereOf(event), "strong"),
  },
  { title: "HOW", width: 12, grow: 2, cell: detailOf },
  {
    title: "TRANSACTION",
    width: 20,
    from: 120,
    cell: ({ txnId = "" }) => span(txnId, "faint"),
  },
];

/** What went wrong or was lost stands out; all else is ordinary. */
function toneOf(kind: string): Tone {
  if (kind === "queue_dead" || kind === "missed") return "bad";
  return kind === "lease_expired" ? "caution" : "plain";
}

function whereOf({ namespace, key, queue, txnId }: Happening): string {
  if (key !== undefined || queue !== undefined) return `${namespace ?? ""}/${key ?? queue}`;
  return txnId ?? namespace ?? "";
}

/** What fits as a whole; the detail of the event has everything. */
function detailOf(event: Happening, width: number): string {
  const parts: string[] = [];
  if (event.missed !== undefined) parts.push(`${grouped(event.missed)} events`);
  if (event.outcome !== undefined) parts.push(event.outcome);
  if (event.version !== undefined) parts.push(`version ${event.version}`);
  if (event.owner !== undefined) parts.push(event.owner);
  if (event.messageId !== undefined) parts.push(event.messageId);
  if (event.fencingToken !== undefined) parts.push(`token ${event.fencingToken}`);
  let text = parts[0] ?? "";
  for (const part of parts.slice(1)) {
    if (text.length + part.length + 2 <= width) text += `  ${part}`;
  }
  return text;
}
