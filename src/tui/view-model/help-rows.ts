/** The keys, for `?` and for the documentation. */
import type { DashboardState } from "./state.ts";

export interface HelpRow {
  readonly keys: string;
  readonly text: string;
}

const always: readonly HelpRow[] = [
  { keys: "1 - 6, left, right", text: "overview, keys, queues, transactions, cluster, events" },
  { keys: "up, down, k, j", text: "move; page up and down, home and end, g and G too" },
  { keys: "Tab, Shift-Tab", text: "next and previous server" },
  { keys: "Enter", text: "more about the row: state, dead letters, the transaction's story" },
  { keys: "/", text: "filter the list while typing; Enter keeps, Esc clears" },
  { keys: "o", text: "order keys by the end of their lease, or by name" },
  { keys: "y", text: "copy the row's id: lease, queue, transaction, message" },
  { keys: "p", text: "pause; again to go on" },
  { keys: "r", text: "look again now" },
  { keys: ":", text: "a command" },
  { keys: "q, Ctrl-C", text: "quit" },
  { keys: "", text: "" },
  { keys: ":key [NS:]NAME", text: "any key, held or not, with its state" },
  { keys: ":filter TEXT", text: "as /" },
  { keys: ":ns NAME ...", text: "only these namespaces; without a name all" },
  { keys: ":server N", text: "the Nth server" },
  { keys: ":order name|expiry", text: "as o" },
  { keys: ":keys, :queues, ...", text: "a screen by its name; the beginning is enough" },
  { keys: "", text: "" },
];

const writing: readonly HelpRow[] = [
  { keys: "R, :release", text: "take a lease away and throw away what it staged" },
  { keys: "D, :redrive", text: "put a queue's dead letters back" },
  { keys: "X, :purge", text: "delete a queue's dead letters" },
];

const readOnly: readonly HelpRow[] = [
  { keys: "read-only", text: "start with --write to release, redrive and purge" },
];

export function helpRows({ writable }: DashboardState): readonly HelpRow[] {
  return [...always, ...(writable ? writing : readOnly)];
}
