/** Who coordinates transactions, and how each server is doing. */
import type { ServerState } from "../view-model/state.ts";
import type { Drawing } from "./drawing.ts";
import { phaseText, signOf } from "./head.ts";
import { emptyLine, type Line, line, selectedLine, span } from "./line.ts";
import { ageText } from "./numbers.ts";
import { type Column, table } from "./table.ts";

export function clusterBody(drawing: Drawing): readonly Line[] {
  const { state } = drawing;
  const { head, row } = table(columns(drawing), state.size.columns);
  const rows = state.servers.map((server, at) =>
    at === state.places.cluster.index ? selectedLine(row(server), state.size.columns) : row(server),
  );
  return [head, ...rows, emptyLine, ...coordination(drawing)];
}

function columns(drawing: Drawing): readonly Column<ServerState>[] {
  return [
    { title: "", width: 1, cell: (server) => signOf(drawing, server) },
    {
      title: "SERVER",
      width: 20,
      grow: 1,
      widthMax: 60,
      cut: "middle",
      cell: ({ label }) => span(label, "strong"),
    },
    { title: "STATE", width: 13, grow: 1, cell: (server) => phaseText(drawing, server) },
    { title: "MODE", width: 6, cell: ({ look }) => look?.mode ?? "-" },
    { title: "VERSION", width: 8, cell: ({ look }) => look?.version ?? "-" },
    {
      title: "UP",
      width: 7,
      align: "right",
      cell: ({ look }) => (look?.uptimeMs === undefined ? "-" : ageText(look.uptimeMs)),
    },
    { title: "PACING", width: 10, from: 90, cell: ({ look }) => look?.qrfState ?? "-" },
    { title: "STORE", width: 10, grow: 2, from: 100, cell: ({ look }) => look?.store ?? "-" },
  ];
}

/** One island has nobody to agree with. */
function coordination({ state }: Drawing): readonly Line[] {
  const modes = new Set(state.servers.flatMap(({ look }) => look?.tc.mode ?? []));
  const text = (label: string, value: string): Line =>
    line(" ", span(label.padEnd(12), "faint"), value);
  if (modes.size === 0) return [text("coordinator", "not known yet")];
  if (!modes.has("local")) return [text("coordinator", [...modes].join(", "))];
  return [
    text("coordinator", "local mode: every server decides for its own store"),
    text("term", "none; terms begin with a second island"),
    text("members", "none beyond the servers above"),
  ];
}
