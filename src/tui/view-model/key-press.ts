/** What a key does: first in what lies on top, then in the input line, then on the screen. */
import type { Effect, KeyPress, Step } from "./events.ts";
import { keyInInput } from "./input-line.ts";
import { keyOnOverlay } from "./overlays.ts";
import { keyOnScreen } from "./screen-keys.ts";
import type { DashboardState } from "./state.ts";

const quit: Effect = { kind: "quit" };

export function changedAfterKey(state: DashboardState, press: KeyPress): Step {
  if (press.name === "interrupt") return { state, effects: [quit] };
  // A paste, or fast typing, comes as several characters at once; each is a key of its own.
  if (press.name === "character" && [...press.text].length > 1) {
    let step: Step = { state, effects: [] };
    for (const text of press.text) {
      const next = changedAfterKey(step.state, { name: "character", text });
      step = { state: next.state, effects: [...step.effects, ...next.effects] };
    }
    return step;
  }
  if (state.overlay !== undefined) return keyOnOverlay(state, state.overlay, press);
  if (state.input !== undefined) return keyInInput(state, state.input, press);
  return keyOnScreen(state, press);
}
