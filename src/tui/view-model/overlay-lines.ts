/** The text of help and details, and how long it is: scrolling ends with it. */
import { helpRows } from "./help-rows.ts";
import type { DashboardState, Overlay } from "./state.ts";

/** The lines of an event: its fields as JSON. */
export function eventLines(event: object): readonly string[] {
  return JSON.stringify(event, undefined, 2).split("\n");
}

export function overlayLineCount(overlay: Overlay, state: DashboardState): number {
  if (overlay.kind === "help") return helpRows(state).length;
  if (overlay.kind === "confirm") return 0;
  const { subject, detail } = overlay;
  if (subject.kind === "event") return eventLines(subject.event).length;
  return (detail?.facts.length ?? 0) + (detail?.lines.length ?? 0) + 2;
}
