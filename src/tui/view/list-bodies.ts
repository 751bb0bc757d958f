/** The screens that are one list: keys, queues, transactions, events. */
import type { Trouble } from "../source/dashboard-source.ts";
import { bodyRows, listRows } from "../view-model/layout.ts";
import { type Row, rowsOf } from "../view-model/rows.ts";
import { focused } from "../view-model/state.ts";
import type { Drawing } from "./drawing.ts";
import { eventTable } from "./event-table.ts";
import { leaseTable } from "./lease-table.ts";
import { type Line, line, selectedLine, span } from "./line.ts";
import { queueTable } from "./queue-table.ts";
import type { Table } from "./table.ts";
import { transactionTable } from "./transaction-table.ts";
import { troubleLine } from "./trouble.ts";

export function keysBody(drawing: Drawing): readonly Line[] {
  return listBody(drawing, {
    table: leaseTable(drawing),
    rowOf: (row) => (row?.kind === "lease" ? row.lease : undefined),
    part: "leases",
    nothing: "no key is held",
  });
}

export function queuesBody(drawing: Drawing): readonly Line[] {
  return listBody(drawing, {
    table: queueTable(drawing),
    rowOf: (row) => (row?.kind === "queue" ? row.queue : undefined),
    part: "queues",
    nothing: "no queue has messages",
  });
}

export function transactionsBody(drawing: Drawing): readonly Line[] {
  return listBody(drawing, {
    table: transactionTable(drawing),
    rowOf: (row) => (row?.kind === "transaction" ? row.transaction : undefined),
    part: "transactions",
    nothing: "no transaction is recorded",
  });
}

export function eventsBody(drawing: Drawing): readonly Line[] {
  const { following } = focused(drawing.state);
  return listBody(drawing, {
    table: eventTable(drawing),
    rowOf: (row) => (row?.kind === "event" ? row.event : undefined),
    part: undefined,
    nothing:
      following === "unavailable"
        ? "this server does not tell what happens"
        : "nothing has happened yet",
  });
}

interface ListParts<Item> {
  readonly table: Table<Item>;
  readonly rowOf: (row: Row | undefined) => Item | undefined;
  readonly part: Trouble["part"] | undefined;
  readonly nothing: string;
}

function listBody<Item>(drawing: Drawing, parts: ListParts<Item>): readonly Line[] {
  const { state } = drawing;
  const rows = rowsOf(state);
  const { index, top } = state.places[state.screen];
  if (rows.count === 0) return [parts.table.head, nothingLine(drawing, parts)];
  const lines = [parts.table.head];
  // Only rows that fit are ever made.
  const last = Math.min(rows.count, top + listRows(state));
  for (let at = top; at < last && lines.length < bodyRows(state); at += 1) {
    const item = parts.rowOf(rows.at(at));
    if (item === undefined) continue;
    const made = parts.table.row(item);
    lines.push(at === index ? selectedLine(made, state.size.columns) : made);
  }
  return lines;
}

function nothingLine(
  { state }: Drawing,
  { part, nothing }: { part: Trouble["part"] | undefined; nothing: string },
): Line {
  const server = focused(state);
  const trouble = troubleLine(state);
  if (trouble !== undefined) return trouble;
  if (server.look === undefined && part !== undefined) {
    return line(" ", span("no answer from the server yet", "faint"));
  }
  const filter = state.filters[state.screen];
  return line(" ", span(filter === "" ? nothing : `${nothing} that fits the filter`, "faint"));
}
