/** Small changes that several keys and commands make. */
import { noticeMs } from "../limits.ts";
import type { Step } from "./events.ts";
import type { DashboardState, Notice } from "./state.ts";

/** A sentence in the footer for a while. */
export function noticed(state: DashboardState, text: string, tone: Notice["tone"]): DashboardState {
  return { ...state, notice: { text, tone, untilMs: state.nowMs + noticeMs } };
}

/** The first window of every list again, because what is in the lists changes. */
export function reset(state: DashboardState): Step {
  const servers = state.servers.map((server) => ({
    ...server,
    windows: [{ after: undefined, offset: 0 }],
  }));
  const first = { selectedId: undefined, index: 0, top: 0 };
  const places = { ...state.places, [state.screen]: first };
  return { state: { ...state, servers, places }, effects: [{ kind: "refresh" }] };
}
