/** How the window is shared out; also decides how far a page key moves. */
import type { DashboardState } from "./state.ts";

/** Tabs, servers, rule. */
export const headRows = 3;

/** Notice or input line, and the keys. */
export const footRows = 2;

/** Rows between head and foot. */
export function bodyRows({ size }: DashboardState): number {
  return Math.max(1, size.rows - headRows - footRows);
}

/** Rows of a list: the body without the heads of its columns. */
export function listRows(state: DashboardState): number {
  return Math.max(1, bodyRows(state) - 1);
}
