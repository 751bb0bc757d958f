/**
 * The dashboard from its first frame to its last. Everything that needs Ink or React is reached
 * from here only, so that no other command loads them.
 */
import process from "node:process";
import { render } from "ink";
import { DashboardScreen } from "./components/dashboard-screen.tsx";
import { KeyListener } from "./components/key-listener.tsx";
import { SpokenScreen } from "./components/spoken-screen.tsx";
import { Dashboard } from "./dashboard.ts";
import { type EffectPorts, runEffect } from "./effects.ts";
import { Follower } from "./follower.ts";
import { Frames } from "./frames.ts";
import { framesPerSecondMax, tickMs } from "./limits.ts";
import { Poller } from "./poller.ts";
import type { DashboardSource, Failure } from "./source/dashboard-source.ts";
import { guardTerminal } from "./terminal/restore-terminal.ts";
import type { TerminalLooks } from "./terminal/terminal-looks.ts";
import { asciiGlyphs, unicodeGlyphs } from "./view/bars.ts";
import type { Effect } from "./view-model/events.ts";
import { type InitialState, initialState } from "./view-model/state.ts";

export interface DashboardTerminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

export interface RunDashboard {
  readonly sources: readonly { readonly label: string; readonly source: DashboardSource }[];
  readonly options: Omit<InitialState, "labels" | "size" | "nowMs">;
  readonly looks: TerminalLooks;
  /** Says a failure as the rest of the program does. */
  readonly describe: (error: unknown) => Failure;
  readonly terminal?: DashboardTerminal;
  readonly now?: () => number;
}

/** Exit codes of a process that a signal ended. */
const signalCodes: Readonly<Partial<Record<NodeJS.Signals, number>>> = {
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
  SIGQUIT: 131,
};

/** Shows the dashboard until somebody quits; answers the exit code. The sources stay open. */
export async function runDashboard(run: RunDashboard): Promise<number> {
  const { sources, describe, looks, now = Date.now, terminal = process } = run;
  const { stdin, stdout } = terminal;
  const ending = Promise.withResolvers<number>();
  const stopping = new AbortController();
  const pollers: Poller[] = [];
  const labels = sources.map(({ label }) => label);
  const initial = initialState({ ...run.options, labels, size: sizeOf(stdout), nowMs: now() });
  const ports: Omit<EffectPorts, "dispatch"> = {
    sources: sources.map(({ source }) => source),
    describe,
    quit: () => ending.resolve(0),
    wake: () => {
      for (const poller of pollers) poller.wake();
    },
    writeTerminal: (text) => stdout.write(text),
    signal: stopping.signal,
  };
  const onEffect = (effect: Effect): void =>
    runEffect({ ...ports, dispatch: dashboard.dispatch }, effect);
  const dashboard = new Dashboard({ initial, onEffect });
  const parts = { ports, describe, now };
  const followers = started(dashboard, parts, pollers);
  const releaseTerminal = guardTerminal({
    onSignal: (name) => ending.resolve(signalCodes[name] ?? 1),
  });
  const onResize = (): void => dashboard.dispatch({ kind: "resized", ...sizeOf(stdout) });
  const ticking = setInterval(() => dashboard.dispatch({ kind: "tick", nowMs: now() }), tickMs);
  const screen = shown(dashboard, { stdin, stdout }, looks);
  stdout.on("resize", onResize);
  try {
    return await Promise.race([ending.promise, screen.ended.then(() => 0)]);
  } finally {
    clearInterval(ticking);
    stdout.off("resize", onResize);
    stopping.abort();
    await screen.close();
    await Promise.allSettled([...pollers, ...followers].map((one) => one.stop()));
    releaseTerminal();
  }
}

interface Parts {
  readonly ports: Omit<EffectPorts, "dispatch">;
  readonly describe: (error: unknown) => Failure;
  readonly now: () => number;
}

/** Starts to look at every server and to follow it. */
function started(
  dashboard: Dashboard,
  { ports, describe, now }: Parts,
  pollers: Poller[],
): readonly Follower[] {
  return ports.sources.map((source, server) => {
    const poller = new Poller({ dashboard, source, server, describe, now });
    const follower = new Follower({ dashboard, source, server });
    pollers.push(poller);
    poller.start();
    follower.start();
    return follower;
  });
}

function sizeOf({ columns, rows }: NodeJS.WriteStream): { columns: number; rows: number } {
  // The last row stays empty: a frame that fills the screen would have to be drawn anew each time.
  return { columns: columns || 80, rows: (rows || 24) - 1 };
}

interface Shown {
  readonly ended: Promise<unknown>;
  readonly close: () => Promise<void>;
}

function shown(dashboard: Dashboard, terminal: DashboardTerminal, looks: TerminalLooks): Shown {
  const frames = new Frames(dashboard, looks.hasUnicode ? unicodeGlyphs : asciiGlyphs);
  const columns = (): number => dashboard.state.size.columns;
  const screen = looks.isSpoken ? (
    <SpokenScreen dashboard={dashboard} />
  ) : (
    <DashboardScreen frames={frames} columns={columns} hasColour={looks.hasColour} />
  );
  const instance = render(
    <KeyListener onPress={(press) => dashboard.dispatch({ kind: "key", press })}>
      {screen}
    </KeyListener>,
    {
      ...terminal,
      exitOnCtrlC: false,
      patchConsole: false,
      maxFps: framesPerSecondMax,
      incrementalRendering: !looks.isSpoken,
      // A screen reader follows ordinary output better than a screen of its own.
      alternateScreen: !looks.isSpoken,
      isScreenReaderEnabled: looks.isSpoken,
      interactive: true,
    },
  );
  const ended = instance.waitUntilExit();
  return {
    ended,
    close: async () => {
      frames.stop();
      instance.unmount();
      await ended;
    },
  };
}
