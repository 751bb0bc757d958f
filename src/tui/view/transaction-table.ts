/** Recorded transactions, one a row. */
import type { TxnSummary } from "../../api/transactions.ts";
import { focused } from "../view-model/state.ts";
import type { Drawing } from "./drawing.ts";
import { span } from "./line.ts";
import { ageText, grouped } from "./numbers.ts";
import { type Column, type Table, table } from "./table.ts";

export function transactionTable(drawing: Drawing): Table<TxnSummary> {
  return table(columns(drawing), drawing.state.size.columns);
}

function columns({ state }: Drawing): readonly Column<TxnSummary>[] {
  const { look, lookAtMs } = focused(state);
  const ahead = (look?.nowUnixMs ?? 0) - (lookAtMs ?? 0);
  const nowSeconds = (state.nowMs + ahead) / 1000;
  return [
    { title: "TRANSACTION", width: 20, cell: ({ txnId }) => span(txnId, "strong") },
    {
      title: "STATE",
      width: 9,
      cell: ({ state: decided, inDoubt }) => span(decided, inDoubt ? "bad" : "plain"),
    },
    {
      title: "DOUBT",
      width: 8,
      cell: ({ inDoubt }) => (inDoubt ? span("in doubt", "bad") : span("-", "faint")),
    },
    {
      title: "APPLIED",
      width: 7,
      align: "right",
      cell: ({ participants }) =>
        `${participants.filter(({ applied }) => applied).length}/${participants.length}`,
    },
    {
      title: "AGE",
      width: 7,
      align: "right",
      cell: ({ createdAtUnix }) => ageText((nowSeconds - createdAtUnix) * 1000),
    },
    {
      title: "EXPIRES",
      width: 7,
      align: "right",
      cell: ({ expiresAtUnix }) => {
        const left = (expiresAtUnix - nowSeconds) * 1000;
        return left <= 0 ? span("over", "caution") : ageText(left);
      },
    },
    {
      title: "ISLANDS",
      width: 7,
      align: "right",
      from: 92,
      cell: ({ participants }) =>
        grouped(new Set(participants.map(({ backendHash }) => backendHash)).size),
    },
    { title: "TERM", width: 4, align: "right", from: 100, cell: ({ tcTerm }) => String(tcTerm) },
    {
      title: "PARTICIPANTS",
      width: 0,
      grow: 1,
      from: 92,
      cell: ({ participants }) =>
        span(participants.map(({ namespace, key }) => `${namespace}/${key}`).join(" "), "faint"),
    },
  ];
}
