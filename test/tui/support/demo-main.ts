/** The dashboard over made-up lockds, to be run in a terminal: `demo-main SCENARIO`. */
import { runDashboard } from "../../../src/tui/main.tsx";
import { terminalLooks } from "../../../src/tui/terminal/terminal-looks.ts";
import { type MadeUpOptions, MadeUpSource, madeUpNowMs } from "./made-up.ts";

interface Scenario {
  readonly servers: readonly MadeUpOptions[];
  readonly writable?: boolean;
  readonly crashAfterMs?: number;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  ordinary: { servers: [{ events: 30 }] },
  writable: { servers: [{ events: 30 }], writable: true },
  large: { servers: [{ keys: 100_000 }] },
  degraded: { servers: [{ withoutQueues: true }] },
  lost: { servers: [{ goodLooks: 1 }] },
  several: { servers: [{ keys: 12, events: 8 }, { keys: 100_000 }, { goodLooks: 1 }] },
  crash: { servers: [{}], crashAfterMs: 500 },
};

const scenario = scenarios[process.argv[2] ?? "ordinary"];
if (scenario === undefined) throw new Error("unknown scenario");
if (scenario.crashAfterMs !== undefined) {
  setTimeout(() => {
    throw new Error("made to crash");
  }, scenario.crashAfterMs);
}
const names = ["http://lock-1.example:9341", "http://lock-2.example:9341", "island west"];
process.exitCode = await runDashboard({
  sources: scenario.servers.map((options, at) => ({
    label: names[at] ?? "",
    source: new MadeUpSource(options),
  })),
  options: { writable: scenario.writable === true, refreshMs: 300 },
  looks: terminalLooks(process.env, process.argv.includes("--spoken")),
  describe: (error) => ({ code: "transport", detail: String((error as Error).message) }),
  now: () => madeUpNowMs,
});
