/** Held keys, one a row. */
import type { LeaseRow } from "../source/dashboard-source.ts";
import { focused, remainingMs } from "../view-model/state.ts";
import { restBar } from "./bars.ts";
import { sized } from "./cells.ts";
import type { Drawing } from "./drawing.ts";
import { type Span, span, type Tone } from "./line.ts";
import { ageText, compact } from "./numbers.ts";
import { type Column, type Table, table } from "./table.ts";

/** A lease with less than this left is worth a look. */
const soonMs = 5_000;

const timeWidth = 7;

export function leaseTable(drawing: Drawing): Table<LeaseRow> {
  return table(columns(drawing), drawing.state.size.columns);
}

function columns(drawing: Drawing): readonly Column<LeaseRow>[] {
  const barWidth = drawing.state.size.columns < 100 ? 5 : 10;
  return [
    {
      title: "KEY",
      width: 14,
      grow: 3,
      cut: "middle",
      cell: ({ namespace, key }) => span(`${namespace}/${key}`, "strong"),
    },
    { title: "HOLDER", width: 9, grow: 2, widthMax: 28, cut: "middle", cell: ({ owner }) => owner },
    {
      title: "TOKEN",
      width: 6,
      align: "right",
      cell: ({ fencingToken: token }) => (token === 0 ? span("-", "faint") : compact(token)),
    },
    {
      title: "TIME LEFT",
      width: barWidth + 1 + timeWidth,
      cell: (lease, width) => timeLeft(drawing, lease, width - 1 - timeWidth),
    },
    {
      title: "WAIT",
      width: 4,
      align: "right",
      cell: ({ waiters }) => {
        if (waiters === undefined) return span("-", "faint");
        return span(compact(waiters), waiters > 0 ? "caution" : "faint");
      },
    },
    {
      title: "VER",
      width: 6,
      align: "right",
      cell: ({ version, staged }) =>
        `${version === 0 ? "-" : compact(version)}${staged ? "*" : " "}`,
    },
    {
      title: "HELD",
      width: 7,
      align: "right",
      from: 100,
      cell: (lease) =>
        lease.acquiredAtUnix === 0 ? span("-", "faint") : ageText(heldMs(drawing, lease)),
    },
    { title: "LEASE", width: 20, from: 124, cell: ({ leaseId }) => span(leaseId, "faint") },
    { title: "TRANSACTION", width: 20, from: 146, cell: ({ txnId }) => span(txnId, "faint") },
  ];
}

function heldMs({ state }: Drawing, { acquiredAtUnix }: LeaseRow): number {
  const { look, lookAtMs } = focused(state);
  const serverNow = (look?.nowUnixMs ?? 0) + Math.max(0, state.nowMs - (lookAtMs ?? state.nowMs));
  return serverNow - acquiredAtUnix * 1000;
}

function timeLeft(drawing: Drawing, lease: LeaseRow, barWidth: number): readonly Span[] {
  const { state, glyphs } = drawing;
  const server = focused(state);
  const left = remainingMs(state, server, lease.remainingMs);
  const whole = server.spans.get(lease.leaseId)?.wholeMs ?? lease.remainingMs;
  const tone: Tone = left <= soonMs ? "caution" : "good";
  const [full, rest] = restBar(whole === 0 ? 0 : left / whole, barWidth, glyphs);
  const text = left === 0 ? "ended" : ageText(left);
  return [
    span(full, tone),
    span(rest, "faint"),
    span(` ${sized(text, timeWidth)}`, left <= soonMs ? "caution" : "plain"),
  ];
}
