/** What could not be had of the list that is shown. */
import type { Trouble } from "../source/dashboard-source.ts";
import { type DashboardState, focused, type ScreenName } from "../view-model/state.ts";
import { cut } from "./cells.ts";
import { type Line, line, span } from "./line.ts";

const partOf: Readonly<Partial<Record<ScreenName, Trouble["part"]>>> = {
  keys: "leases",
  queues: "queues",
  transactions: "transactions",
};

/** Undefined when nothing is wrong; the first of several, and how many there are. */
export function troubleLine(state: DashboardState): Line | undefined {
  const part = partOf[state.screen];
  const all = focused(state).look?.trouble.filter((one) => one.part === part) ?? [];
  const [first] = all;
  if (first === undefined) return undefined;
  const more = all.length > 1 ? ` (and ${all.length - 1} more)` : "";
  const text = `${first.code}: ${first.detail}${more}`;
  return line(" ", span(cut(text, state.size.columns - 2), "caution"));
}
