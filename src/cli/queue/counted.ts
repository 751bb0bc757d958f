import type { QueueSummary } from "../../api/queues.ts";

/** A number of a queue; with a plus where it was not counted to its end. */
export function counted(
  queue: QueueSummary,
  name: "ready" | "delayed" | "inFlight" | "dead",
): string {
  const kind = name === "dead" ? "dead" : "messages";
  return `${queue[name]}${queue.atLeast?.includes(kind) === true ? "+" : ""}`;
}
