/** What can be typed after `:`. */
import type { Step } from "./events.ts";
import { resumed } from "./looks.ts";
import { noticed, reset } from "./notices.ts";
import { asked, filtered, focusedOn, withDetail } from "./screen-keys.ts";
import { type DashboardState, screenNames } from "./state.ts";

type Command = (state: DashboardState, words: readonly string[]) => Step;

function still(state: DashboardState): Step {
  return { state, effects: [] };
}

function showScreens(): Readonly<Record<string, Command>> {
  return Object.fromEntries(
    screenNames.map((screen) => [screen, (state: DashboardState) => still({ ...state, screen })]),
  );
}

const commands: Readonly<Record<string, Command>> = {
  ...showScreens(),
  quit: (state) => ({ state, effects: [{ kind: "quit" }] }),
  help: (state) => still({ ...state, overlay: { kind: "help", top: 0 } }),
  refresh: (state) => ({ state, effects: [{ kind: "refresh" }] }),
  pause: (state) => still({ ...state, paused: true }),
  resume: (state) => ({ state: resumed(state), effects: [{ kind: "refresh" }] }),
  filter: (state, words) => ({
    state: filtered(state, words.join(" ")),
    effects: [{ kind: "refresh" }],
  }),
  ns: (state, words) => reset({ ...state, namespaces: words }),
  order: (state, [word]) => {
    if (word === "name" || word === "expiry") return reset({ ...state, order: word });
    return still(noticed(state, "order is name or expiry", "caution"));
  },
  server: (state, [word = ""]) => {
    const index = Number(word) - 1;
    if (state.servers[index] !== undefined) return still(focusedOn(state, index));
    const count = state.servers.length;
    return still(noticed(state, `there are ${count} servers; say :server 1`, "caution"));
  },
  key: (state, [name = ""]) => {
    if (name === "") return still(noticed(state, "say which: :key orders", "caution"));
    return withDetail(state, keyNamed(state, name));
  },
  release: (state) => asked(state, "release"),
  redrive: (state) => asked(state, "redrive"),
  purge: (state) => asked(state, "purge"),
};

/** `namespace:key`; with one namespace chosen, or none, the name alone will do. */
function keyNamed({ namespaces }: DashboardState, name: string) {
  const colon = name.indexOf(":");
  const [chosen = ""] = namespaces.length === 1 ? namespaces : [];
  return colon === -1
    ? ({ kind: "key", namespace: chosen, key: name } as const)
    : ({ kind: "key", namespace: name.slice(0, colon), key: name.slice(colon + 1) } as const);
}

/** Runs a line; a beginning that fits one command only is enough. */
export function runCommand(state: DashboardState, text: string): Step {
  const [word = "", ...words] = text.trim().split(/\s+/);
  if (word === "") return still(state);
  if (word === "q" || word === "q!") return { state, effects: [{ kind: "quit" }] };
  const names = Object.keys(commands);
  const fitting = names.includes(word) ? [word] : names.filter((name) => name.startsWith(word));
  const [only] = fitting;
  const command = only === undefined ? undefined : commands[only];
  if (fitting.length === 1 && command !== undefined) return command(state, words);
  const hint = fitting.length === 0 ? "see ?" : `one of ${fitting.join(", ")}`;
  return still(noticed(state, `unknown command "${word}": ${hint}`, "caution"));
}
