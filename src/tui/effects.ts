/** Does what the state asks for, and reports back. */
import type { Dashboard } from "./dashboard.ts";
import type { Action, DashboardSource, Failure, Subject } from "./source/dashboard-source.ts";
import { copySequence } from "./terminal/clipboard.ts";
import { cut } from "./view/cells.ts";
import type { DashboardEvent, Effect } from "./view-model/events.ts";

export interface EffectPorts {
  readonly sources: readonly DashboardSource[];
  readonly describe: (error: unknown) => Failure;
  readonly dispatch: Dashboard["dispatch"];
  readonly quit: () => void;
  readonly wake: () => void;
  /** Straight to the terminal, past the frames. */
  readonly writeTerminal: (text: string) => void;
  /** Ends with the dashboard. */
  readonly signal: AbortSignal;
}

export function runEffect(ports: EffectPorts, effect: Effect): void {
  switch (effect.kind) {
    case "quit":
      ports.quit();
      return;
    case "refresh":
      ports.wake();
      return;
    case "copy":
      copy(ports, effect.text);
      return;
    case "detail":
      report(ports, detailed(ports, effect.server, effect.subject));
      return;
    case "act":
      report(ports, acted(ports, effect.server, effect.action));
      return;
  }
}

/** Effects come out of a dispatch; what they report must not go into the same one. */
function report({ dispatch, signal }: EffectPorts, event: Promise<DashboardEvent>): void {
  void event.then((happened) => {
    if (!signal.aborted) dispatch(happened);
  });
}

function copy(ports: EffectPorts, text: string): void {
  const sequence = copySequence(text);
  const event: DashboardEvent =
    sequence === undefined
      ? { kind: "actFailed", failure: { code: "too_long", detail: "too much for a clipboard" } }
      : { kind: "copied", text: cut(text.split("\n")[0] ?? "", 60) };
  if (sequence !== undefined) ports.writeTerminal(sequence);
  report(ports, Promise.resolve(event));
}

async function detailed(
  { sources, describe, signal }: EffectPorts,
  server: number,
  subject: Subject,
): Promise<DashboardEvent> {
  try {
    const detail = await sourceAt(sources, server).detail(subject, signal);
    return { kind: "detailed", subject, detail };
  } catch (error) {
    return { kind: "detailFailed", subject, failure: describe(error) };
  }
}

async function acted(
  { sources, describe, signal }: EffectPorts,
  server: number,
  action: Action,
): Promise<DashboardEvent> {
  try {
    return { kind: "acted", text: await sourceAt(sources, server).act(action, signal) };
  } catch (error) {
    return { kind: "actFailed", failure: describe(error) };
  }
}

function sourceAt(sources: readonly DashboardSource[], index: number): DashboardSource {
  const source = sources[index];
  if (source === undefined) throw new Error(`there is no server ${index}`);
  return source;
}
