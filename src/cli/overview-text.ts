/** An overview as a plain table: `lockd top`, and whoever wants one frame of text. */
import type { Overview, OverviewLease } from "../api/observation.ts";
import { plainText } from "./plain-text.ts";
import { spanText } from "./status-text.ts";

/** A column: its heading, and whether numbers stand at the right. */
interface Column<Row> {
  readonly title: string;
  readonly right?: true;
  readonly cell: (row: Row) => string;
  /** Characters at most; longer cells end with `~`. */
  readonly widthMax: number;
}

const leaseColumns: readonly Column<OverviewLease>[] = [
  { title: "KEY", widthMax: 44, cell: ({ namespace, key }) => `${namespace}/${key}` },
  { title: "OWNER", widthMax: 28, cell: ({ owner }) => owner },
  { title: "TOKEN", right: true, widthMax: 12, cell: ({ fencingToken }) => String(fencingToken) },
  { title: "LEFT", right: true, widthMax: 8, cell: ({ remainingMs }) => spanText(remainingMs) },
  { title: "WAIT", right: true, widthMax: 6, cell: ({ waiters }) => String(waiters ?? "?") },
  { title: "VER", right: true, widthMax: 9, cell: ({ version }) => String(version) },
  { title: "", widthMax: 6, cell: ({ staged }) => (staged ? "staged" : "") },
];

const queueColumns: readonly Column<Overview["queues"][number]>[] = [
  { title: "QUEUE", widthMax: 44, cell: ({ namespace, queue }) => `${namespace}/${queue}` },
  { title: "READY", right: true, widthMax: 9, cell: ({ ready }) => String(ready) },
  { title: "DELAYED", right: true, widthMax: 9, cell: ({ delayed }) => String(delayed) },
  { title: "IN FLIGHT", right: true, widthMax: 9, cell: ({ inFlight }) => String(inFlight) },
  { title: "DEAD", right: true, widthMax: 9, cell: ({ dead }) => String(dead) },
  {
    title: "OLDEST",
    right: true,
    widthMax: 9,
    cell: ({ oldestAgeSeconds: age }) => (age === undefined ? "-" : spanText(age * 1000)),
  },
];

const txnColumns: readonly Column<Overview["transactions"][number]>[] = [
  { title: "TRANSACTION", widthMax: 20, cell: ({ txnId }) => txnId },
  { title: "STATE", widthMax: 9, cell: ({ state }) => state },
  {
    title: "APPLIED",
    right: true,
    widthMax: 9,
    cell: ({ participants }) =>
      `${participants.filter(({ applied }) => applied).length}/${participants.length}`,
  },
  { title: "", widthMax: 9, cell: ({ inDoubt }) => (inDoubt ? "IN DOUBT" : "") },
];

export function overviewText(overview: Overview): string {
  const { leases, queues, transactions, counts, trouble } = overview;
  const parts = [headline(overview), countLine(overview), ""];
  for (const { part, code, detail } of trouble)
    parts.push(plainText(`! ${part}: ${code}: ${detail}`));
  parts.push(...(leases.length === 0 ? ["no key is held"] : table(leaseColumns, leases)));
  const unseen = counts.keysMatching - leases.length;
  if (overview.cursor !== undefined) parts.push(`... and ${unseen} more`);
  if (queues.length > 0) parts.push("", ...table(queueColumns, queues));
  if (transactions.length > 0) parts.push("", ...table(txnColumns, transactions));
  return `${parts.join("\n")}\n`;
}

function headline({ version, mode, store, uptimeMs, draining }: Overview): string {
  const program = version === undefined ? "lockd" : `lockd ${version}`;
  const state = draining ? "DRAINING" : mode === "inline" ? "inline" : `up ${spanText(uptimeMs)}`;
  return `${program}  ${store}  ${state}`;
}

function countLine({ counts, complete }: Overview): string {
  const { keysHeld, staged, waiters } = counts;
  const held = `${keysHeld} held${complete ? "" : " at least"}`;
  const waiting = waiters === undefined ? "waiting known to a server only" : `${waiters} waiting`;
  return `${held}, ${staged} staged, ${waiting}`;
}

function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = rows.map((row) => columns.map(({ cell, widthMax }) => cut(cell(row), widthMax)));
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)),
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, at) => {
        const width = widths[at] ?? 0;
        return columns[at]?.right === true ? text.padStart(width) : text.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...cells.map(line)];
}

function cut(text: string, widthMax: number): string {
  const plain = plainText(text);
  return plain.length <= widthMax ? plain : `${plain.slice(0, widthMax - 1)}~`;
}
