/** Everything on one sheet of paper, as long as it has to be; every server after the other. */
import { rowsOf } from "../view-model/rows.ts";
import { focusedOn } from "../view-model/screen-keys.ts";
import type { DashboardState, ScreenName } from "../view-model/state.ts";
import { clusterBody } from "./cluster-body.ts";
import type { Drawing } from "./drawing.ts";
import { headLines } from "./head.ts";
import { emptyLine, type Line, line } from "./line.ts";
import { keysBody, queuesBody, transactionsBody } from "./list-bodies.ts";
import { troubleLine } from "./trouble.ts";

const parts: readonly (readonly [ScreenName, string, (drawing: Drawing) => readonly Line[]])[] = [
  ["keys", "LEASES", keysBody],
  ["queues", "QUEUES", queuesBody],
  ["transactions", "TRANSACTIONS", transactionsBody],
];

export function onceLines({ state, glyphs }: Drawing): readonly Line[] {
  const cluster = at(state, "cluster");
  return [
    ...clusterBody({ state: cluster, glyphs }),
    ...state.servers.flatMap((server, index) => {
      const shown = focusedOn(state, index);
      const failure =
        server.failure === undefined
          ? []
          : [line(` ${server.failure.code}: ${server.failure.detail}`)];
      const [, strip] = headLines({ state: { ...shown, servers: [server], focus: 0 }, glyphs });
      return [
        emptyLine,
        strip ?? emptyLine,
        ...failure,
        ...parts.flatMap(([screen, title, body]) => [
          emptyLine,
          line(title),
          ...body({ state: at(shown, screen), glyphs }),
          ...besideRows(at(shown, screen)),
        ]),
      ];
    }),
  ];
}

/** A part that could be had in part only; an empty one says so itself. */
function besideRows(state: DashboardState): readonly Line[] {
  const trouble = rowsOf(state).count === 0 ? undefined : troubleLine(state);
  return trouble === undefined ? [] : [trouble];
}

function at(state: DashboardState, screen: ScreenName): DashboardState {
  return { ...state, screen };
}
