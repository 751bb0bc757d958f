/** Typing a filter or a command. */
import { inputCharactersMax } from "../limits.ts";
import { runCommand } from "./commands.ts";
import type { KeyPress, Step } from "./events.ts";
import { filtered } from "./screen-keys.ts";
import type { DashboardState, InputLine } from "./state.ts";

export function keyInInput(state: DashboardState, input: InputLine, press: KeyPress): Step {
  switch (press.name) {
    case "character":
      return typed(state, input, (input.text + press.text).slice(0, inputCharactersMax));
    case "backspace":
      return input.text === ""
        ? left(state, input)
        : typed(state, input, [...input.text].slice(0, -1).join(""));
    case "escape":
      return left(state, input);
    case "enter": {
      const done = { ...state, input: undefined };
      return input.kind === "command" ? runCommand(done, input.text) : { state: done, effects: [] };
    }
    default:
      return { state, effects: [] };
  }
}

/** A filter works while it is typed; the server is asked at the same time. */
function typed(state: DashboardState, input: InputLine, text: string): Step {
  const next = { ...state, input: { ...input, text } };
  if (input.kind === "command") return { state: next, effects: [] };
  return { state: filtered(next, text), effects: [{ kind: "refresh" }] };
}

/** Escape: as it was before. */
function left(state: DashboardState, input: InputLine): Step {
  const next = { ...state, input: undefined };
  if (input.kind === "command") return { state: next, effects: [] };
  return { state: filtered(next, ""), effects: [{ kind: "refresh" }] };
}
