/** What a key does: first in what lies on top, then in the input line, then on the screen. */
import type { Effect, KeyPress, Step } from "./events.ts";
import { keyInInput } from "./input-line.ts";
import { keyOnOverlay } from "./overlays.ts";
import { keyOnScreen } from "./screen-keys.ts";
import type { DashboardState } from "./state.ts";

const quit: Effect = { kind: "quit" };

export function changedAfterKey(state: DashboardState, press: KeyPress): Step {
  if (press.name === "interrupt") return { state, effects: [quit] };
  if (press.name === "character") {
    const presses = [...press.text].map(keyOf);
    const [only] = presses;
    if (presses.length === 1 && only !== undefined) return afterOneKey(state, only);
    // A paste, or fast typing, comes as several characters at once; each is a key of its own.
    let step: Step = { state, effects: [] };
    for (const one of presses) {
      const next = afterOneKey(step.state, one);
      step = { state: next.state, effects: [...step.effects, ...next.effects] };
    }
    return step;
  }
  return afterOneKey(state, press);
}

const controls: Readonly<Record<string, KeyPress["name"]>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\u007f": "backspace",
  "\b": "backspace",
  "\u001b": "escape",
};

/** What a character among others means as a key. */
function keyOf(text: string): KeyPress {
  const name = controls[text];
  return name === undefined ? { name: "character", text } : { name, text: "" };
}

function afterOneKey(state: DashboardState, press: KeyPress): Step {
  if (state.overlay !== undefined) return keyOnOverlay(state, state.overlay, press);
  if (state.input !== undefined) return keyInInput(state, state.input, press);
  return keyOnScreen(state, press);
}
