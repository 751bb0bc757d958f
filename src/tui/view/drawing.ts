/** What every part of the screen is drawn from. */
import type { DashboardState } from "../view-model/state.ts";
import type { Glyphs } from "./bars.ts";

export interface Drawing {
  readonly state: DashboardState;
  readonly glyphs: Glyphs;
}
