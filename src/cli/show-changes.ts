/** The loop of `lockd watch`: follows changes and prints them as they come. */
import { LockdTimeoutError } from "../api/errors.ts";
import type { ChangeEvent, Observation } from "../api/observation.ts";
import { changeJson } from "../api/observation-json.ts";
import { writeOut } from "./output.ts";
import type { WatchPlan } from "./watch-plan.ts";

export interface ShowOptions {
  readonly interrupted: AbortSignal;
  readonly correlationId: string | undefined;
  /** Text of an event; empty when it shows elsewhere, undefined for its JSON. */
  readonly line: (event: ChangeEvent) => string | undefined;
  /** Told when the stream broke and is opened again. */
  readonly trouble: (text: string) => void;
  readonly ready: () => void;
}

/** @throws Interrupted, LockdTimeoutError when fewer than `count` came in time */
export async function showChanges(
  observation: Observation,
  plan: WatchPlan,
  options: ShowOptions,
): Promise<void> {
  const [{ followChanges }, { systemClientClock }] = await Promise.all([
    import("../client/observation/follow-changes.ts"),
    import("../client/client-ports.ts"),
  ]);
  const { interrupted, correlationId, trouble } = options;
  const clock = systemClientClock();
  const over = new AbortController();
  const signal = AbortSignal.any([interrupted, over.signal]);
  const limit =
    plan.limitMs === undefined ? undefined : setTimeout(() => over.abort(), plan.limitMs);
  const onInterruption = (error: unknown): void =>
    trouble(`watching again: ${error instanceof Error ? error.message : "the server let go"}`);
  let shown = 0;
  try {
    const follow = { clock, signal, correlationId, onInterruption };
    for await (const event of followChanges(observation, plan.request, follow)) {
      if (event.kind === "ready") {
        options.ready();
        continue;
      }
      const line = options.line(event) ?? JSON.stringify({ id: event.id, ...changeJson(event) });
      // Waiting for the reader is what keeps memory bounded: the server counts what passes by.
      if (line !== "") await writeOut(`${line}\n`);
      if (event.kind !== "missed") shown += 1;
      if (shown === plan.count) return;
    }
  } finally {
    clearTimeout(limit);
  }
  if (interrupted.aborted) throw interrupted.reason;
  if (plan.count === undefined) return;
  const message = `${shown} of ${plan.count} events came in time`;
  throw new LockdTimeoutError("timeout", message, { operation: "watch" });
}
