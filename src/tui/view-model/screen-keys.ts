/** Keys on a screen with nothing on top of it. */
import type { Subject } from "../source/dashboard-source.ts";
import { type ActionName, actionOn } from "./actions.ts";
import type { KeyPress, Step } from "./events.ts";
import { listRows } from "./layout.ts";
import { resumed } from "./looks.ts";
import { moved } from "./moves.ts";
import { noticed, reset } from "./notices.ts";
import { type Row, rowId, rowsOf } from "./rows.ts";
import { type DashboardState, focused, screenNames } from "./state.ts";

export function keyOnScreen(state: DashboardState, press: KeyPress): Step {
  const page = listRows(state);
  switch (press.name) {
    case "up":
      return moved(state, -1);
    case "down":
      return moved(state, 1);
    case "pageUp":
      return moved(state, -page);
    case "pageDown":
      return moved(state, page);
    case "home":
      return moved(state, Number.NEGATIVE_INFINITY);
    case "end":
      return moved(state, Number.POSITIVE_INFINITY);
    case "left":
      return otherScreen(state, -1);
    case "right":
      return otherScreen(state, 1);
    case "tab":
      return still(otherServer(state, 1));
    case "backTab":
      return still(otherServer(state, -1));
    case "enter":
      return opened(state);
    case "escape":
      return state.filters[state.screen] === ""
        ? still(state)
        : { state: filtered(state, ""), effects: [{ kind: "refresh" }] };
    case "character":
      return characterOnScreen(state, press.text);
    default:
      return still(state);
  }
}

function characterOnScreen(state: DashboardState, text: string): Step {
  const screen = screenNames[Number(text) - 1];
  if (screen !== undefined) return still({ ...state, screen });
  switch (text) {
    case "q":
      return { state, effects: [{ kind: "quit" }] };
    case "j":
      return moved(state, 1);
    case "k":
      return moved(state, -1);
    case "g":
      return moved(state, Number.NEGATIVE_INFINITY);
    case "G":
      return moved(state, Number.POSITIVE_INFINITY);
    case "/": {
      const before = state.filters[state.screen];
      return still({ ...state, input: { kind: "filter", text: before, before } });
    }
    case ":":
      return still({ ...state, input: { kind: "command", text: "", before: "" } });
    case "?":
      return still({ ...state, overlay: { kind: "help", top: 0 } });
    case "p":
      return state.paused
        ? { state: resumed(state), effects: [{ kind: "refresh" }] }
        : still({ ...state, paused: true });
    case "r":
      return { state: noticed(state, "looking again", "plain"), effects: [{ kind: "refresh" }] };
    case "o":
      return reset({ ...state, order: state.order === "expiry" ? "name" : "expiry" });
    case "y":
      return copied(state);
    case "R":
      return asked(state, "release");
    case "D":
      return asked(state, "redrive");
    case "X":
      return asked(state, "purge");
    default:
      return still(state);
  }
}

function still(state: DashboardState): Step {
  return { state, effects: [] };
}

export function selectedRow(state: DashboardState): Row | undefined {
  return rowsOf(state).at(state.places[state.screen].index);
}

function otherScreen(state: DashboardState, by: number): Step {
  const at = screenNames.indexOf(state.screen) + by + screenNames.length;
  return still({ ...state, screen: screenNames[at % screenNames.length] ?? state.screen });
}

function otherServer(state: DashboardState, by: number): DashboardState {
  const count = state.servers.length;
  return focusedOn(state, (state.focus + by + count) % count);
}

/** Shows another server; its lists are looked at from their beginning. */
export function focusedOn(state: DashboardState, index: number): DashboardState {
  if (index === state.focus) return state;
  const first = { selectedId: undefined, index: 0, top: 0 };
  const places = { ...state.places, keys: first, queues: first, transactions: first };
  const pointed = { selectedId: String(index), index, top: 0 };
  return {
    ...state,
    focus: index,
    places: { ...places, events: first, overview: pointed, cluster: pointed },
  };
}

export function filtered(state: DashboardState, text: string): DashboardState {
  return reset({ ...state, filters: { ...state.filters, [state.screen]: text } }).state;
}

/** Opens what the row says more about. */
function opened(state: DashboardState): Step {
  const row = selectedRow(state);
  if (row === undefined) return still(state);
  if (row.kind === "server") return still({ ...focusedOn(state, row.index), screen: "keys" });
  if (row.kind === "event") {
    const subject = { kind: "event", event: row.event } as const;
    const overlay = {
      kind: "detail",
      subject,
      detail: undefined,
      failure: undefined,
      top: 0,
    } as const;
    return still({ ...state, overlay });
  }
  return withDetail(state, subjectOf(row));
}

function subjectOf(row: Exclude<Row, { kind: "server" | "event" }>): Subject {
  switch (row.kind) {
    case "lease":
      return { kind: "key", namespace: row.lease.namespace, key: row.lease.key };
    case "queue":
      return { kind: "queue", namespace: row.queue.namespace, queue: row.queue.queue };
    case "transaction":
      return { kind: "transaction", txnId: row.transaction.txnId };
  }
}

export function withDetail(state: DashboardState, subject: Subject): Step {
  return {
    state: {
      ...state,
      overlay: { kind: "detail", subject, detail: undefined, failure: undefined, top: 0 },
    },
    effects: [{ kind: "detail", server: state.focus, subject }],
  };
}

function copied(state: DashboardState): Step {
  const row = selectedRow(state);
  if (row === undefined) return still(noticed(state, "nothing to copy", "caution"));
  return { state, effects: [{ kind: "copy", text: idToCopy(row) }] };
}

function idToCopy(row: Row): string {
  switch (row.kind) {
    case "server":
      return row.server.label;
    case "lease":
      return row.lease.leaseId;
    case "event":
      return row.event.messageId ?? row.event.leaseId ?? row.event.txnId ?? row.event.id;
    default:
      return rowId(row);
  }
}

/** Asks back before anything is changed. */
export function asked(state: DashboardState, name: ActionName): Step {
  if (!state.writable) {
    return still(noticed(state, `read-only: start with --write to ${name}`, "caution"));
  }
  if (focused(state).phase !== "live") {
    return still(noticed(state, "the server does not answer: nothing can be changed", "caution"));
  }
  const action = actionOn(selectedRow(state), name);
  if (typeof action === "string") return still(noticed(state, action, "caution"));
  return still({ ...state, overlay: { kind: "confirm", action, typed: "" } });
}
