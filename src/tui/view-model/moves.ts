/** Moving up and down, from one window of leases into the next at its ends. */
import type { Step } from "./events.ts";
import { listRows } from "./layout.ts";
import { placeAt } from "./place.ts";
import { rowsOf } from "./rows.ts";
import {
  changedServer,
  type DashboardState,
  focused,
  type LeaseWindow,
  type ServerState,
} from "./state.ts";

/** Moves the eye; infinite steps go to an end. */
export function moved(state: DashboardState, by: number): Step {
  const rows = rowsOf(state);
  const place = state.places[state.screen];
  const wanted = place.index + by;
  if (state.screen === "keys") {
    const turned = windowTurned(state, { wanted, count: rows.count });
    if (turned !== undefined) return turned;
  }
  const next = placeAt(rows, wanted, { top: place.top, height: listRows(state) });
  return { state: { ...state, places: { ...state.places, [state.screen]: next } }, effects: [] };
}

interface Move {
  readonly wanted: number;
  readonly count: number;
}

/** The step over the end of a window; undefined when it stays inside or there is no further one. */
function windowTurned(state: DashboardState, { wanted, count }: Move): Step | undefined {
  const server = focused(state);
  const { index } = state.places.keys;
  if (wanted === Number.NEGATIVE_INFINITY) {
    return server.windows.length > 1 ? turned(state, server.windows.slice(0, 1), 0) : undefined;
  }
  if (wanted < 0 && index === 0 && server.windows.length > 1) {
    // Its last row, wherever that will be.
    return turned(state, server.windows.slice(0, -1), Number.MAX_SAFE_INTEGER);
  }
  const next = nextWindow(server);
  if (wanted >= count && wanted !== Number.POSITIVE_INFINITY && index >= count - 1 && next) {
    return turned(state, [...server.windows, next], 0);
  }
  return undefined;
}

function nextWindow({ look, windows }: ServerState): LeaseWindow | undefined {
  if (look?.cursor === undefined) return undefined;
  const offset = (windows.at(-1)?.offset ?? 0) + look.leases.length;
  return { after: look.cursor, offset };
}

/** The rows stay on the screen until those of the other window are there. */
function turned(state: DashboardState, windows: readonly LeaseWindow[], index: number): Step {
  const next = changedServer(state, state.focus, (server) => ({ ...server, windows }));
  const place = { selectedId: undefined, index, top: 0 };
  return {
    state: { ...next, places: { ...next.places, keys: place } },
    effects: [{ kind: "refresh" }],
  };
}
