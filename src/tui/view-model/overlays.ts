/** Keys while help, a detail or a question lies on top of the screen. */
import { inputCharactersMax } from "../limits.ts";
import { confirmation } from "./actions.ts";
import type { KeyPress, Step } from "./events.ts";
import { bodyRows } from "./layout.ts";
import { noticed } from "./notices.ts";
import { overlayLineCount } from "./overlay-lines.ts";
import type { DashboardState, Overlay } from "./state.ts";

export function keyOnOverlay(state: DashboardState, overlay: Overlay, press: KeyPress): Step {
  if (overlay.kind === "confirm") return keyOnQuestion(state, overlay, press);
  if (press.name === "escape" || press.text === "q") return closed(state);
  if (press.name === "enter" && overlay.kind === "help") return closed(state);
  if (press.text === "?" && overlay.kind === "help") return closed(state);
  if (press.text === "y" && overlay.kind === "detail") return copiedDetail(state, overlay);
  const by = scrolling(press, bodyRows(state));
  if (by === undefined) return { state, effects: [] };
  const last = Math.max(0, overlayLineCount(overlay, state) - bodyRows(state) + 2);
  const top = Math.max(0, Math.min(last, overlay.top + by));
  return { state: { ...state, overlay: { ...overlay, top } }, effects: [] };
}

function closed(state: DashboardState): Step {
  return { state: { ...state, overlay: undefined }, effects: [] };
}

/** Lines that a key scrolls by. */
function scrolling({ name, text }: KeyPress, page: number): number | undefined {
  if (name === "down" || text === "j") return 1;
  if (name === "up" || text === "k") return -1;
  if (name === "pageDown" || text === " ") return page - 2;
  if (name === "pageUp" || text === "b") return 2 - page;
  if (name === "home" || text === "g") return Number.NEGATIVE_INFINITY;
  if (name === "end" || text === "G") return Number.POSITIVE_INFINITY;
  return undefined;
}

function copiedDetail(state: DashboardState, overlay: Overlay & { kind: "detail" }): Step {
  const { detail } = overlay;
  if (detail === undefined || detail.lines.length === 0) return { state, effects: [] };
  return { state, effects: [{ kind: "copy", text: detail.lines.join("\n") }] };
}

/** Only the whole word and Enter do it: no stray key can. */
function keyOnQuestion(
  state: DashboardState,
  overlay: Overlay & { kind: "confirm" },
  press: KeyPress,
): Step {
  const { action, typed } = overlay;
  const withTyped = (text: string): Step => ({
    state: { ...state, overlay: { ...overlay, typed: text } },
    effects: [],
  });
  if (press.name === "escape") return closed(noticed(state, `${action.kind} called off`, "plain"));
  if (press.name === "backspace") return withTyped(typed.slice(0, -1));
  if (press.name === "character") {
    return withTyped((typed + press.text).slice(0, inputCharactersMax));
  }
  if (press.name !== "enter") return { state, effects: [] };
  if (typed.trim().toLowerCase() !== confirmation) {
    return closed(noticed(state, `${action.kind} called off`, "plain"));
  }
  return {
    state: { ...noticed(state, `${action.kind} under way`, "plain"), overlay: undefined },
    effects: [{ kind: "act", server: state.focus, action }],
  };
}
