/** The life of `lockd serve`: open, listen, wait for a signal, drain, close. */
import type { Lockd } from "../../api/lockd.ts";
import type { Clock } from "../../engine/ports/clock.ts";
import type { Telemetry } from "../../engine/ports/telemetry.ts";
import type { SweepBudget } from "../../engine/sweep/sweeper.ts";
import { SystemClock } from "../../host/clock.ts";
import { systemRandom } from "../../host/random.ts";
import { openTelemetry } from "../../host/telemetry.ts";
import type { MetricsOptions, RunningMetrics } from "../../server/metrics/metrics-server.ts";
import type { ListenPlan, ServePlan } from "./serve-plan.ts";

/** Name of the socket inside the store directory which inline commands look for. */
const ownerSocketName = "lockd.sock";

/** Bytes of a unix socket path, the terminating zero included, on Linux; macOS has 104. */
const socketPathBytesMax = 104;

export interface RunServerOptions {
  readonly plan: ServePlan;
  readonly version: string;
  readonly logMode: "json" | "console";
  readonly configPath: string | undefined;
  readonly unknownKeys: readonly string[];
  /** Runs beside the server, which ends with it. */
  readonly beside?: ((served: Served) => Promise<number>) | undefined;
}

/** A server that is running. */
export interface Served {
  readonly lockd: Lockd;
  readonly endpoints: readonly string[];
}

/** Serves until a signal came and the drain is over; answers the exit code. */
export async function runServer(options: RunServerOptions): Promise<number> {
  const { plan } = options;
  const ended = endSignal();
  const telemetry = await openTelemetry({ level: plan.logLevel, mode: options.logMode });
  welcome(options, telemetry);
  const [{ Engine }, { openStore, backendHash }, ...others] = await Promise.all([
    import("../../engine/engine.ts"),
    import("../../storage/open.ts"),
    import("../../indexing/open-index.ts"),
    import("../../server/server.ts"),
    import("../../api/names.ts"),
  ]);
  const [{ indexOptions }, { startServer }, names] = others;
  const defaultNamespace = names.normalizeNamespace(plan.defaultNamespace, "default");
  const clock = new SystemClock({
    onStep: (ms) => telemetry.warn("server.lifecycle.core", "clock.step", { ahead_ms: ms }),
  });
  const random = systemRandom();
  const onNotice = (event: string, fields: Readonly<Record<string, string | number>>): void =>
    telemetry.warn("storage.backend.core", event, fields);
  const store = await openStore(plan.storeUrl, { gear: "exclusive", onNotice });
  const { version } = options;
  const ports = { store, clock, random, telemetry };
  const island = await backendHash({ ...ports, storeUrl: plan.storeUrl, onNotice });
  const engine = new Engine({
    ...plan,
    ...ports,
    version,
    transactions: { ...plan.transactions, backendHash: island },
    ...indexOptions({ ...ports, storeUrl: plan.storeUrl, publishes: true }),
    defaultNamespace,
  });
  const bug = Promise.withResolvers<number>();
  let draining = false;
  let metrics: RunningMetrics | undefined;
  try {
    const parts = { lockd: engine, defaultNamespace, version, telemetry };
    metrics = await openMetrics({ ...parts, plan, draining: () => draining });
    const server = await startServer({
      ...plan,
      lockd: metrics?.lockd ?? engine,
      clock,
      random,
      telemetry,
      listeners: await listeners(plan, telemetry),
      onBug: () => bug.resolve(1),
    });
    const sweep = idleSweep({ plan, clock, telemetry, engine, idleMs: () => server.idleMs() });
    const beside = options.beside?.({ lockd: engine, endpoints: server.endpoints });
    const ends = [ended.then(() => 0), bug.promise, ...(beside === undefined ? [] : [beside])];
    const exitCode = await Promise.race(ends);
    draining = true;
    sweep.stop();
    await server.stop();
    return exitCode;
  } finally {
    await metrics?.stop();
    await engine.close();
  }
}

/** The metrics listener, and the counted lockd; undefined, and nothing loaded, without one. */
async function openMetrics(parts: {
  readonly plan: ServePlan;
  readonly lockd: MetricsOptions["lockd"];
  readonly defaultNamespace: string;
  readonly version: string;
  readonly telemetry: Telemetry;
  readonly draining: () => boolean;
}): Promise<RunningMetrics | undefined> {
  const { metricsListen: listener, profilingMetrics: profiling } = parts.plan;
  if (listener === undefined) return undefined;
  const { startMetrics } = await import("../../server/metrics/metrics-server.ts");
  return await startMetrics({ ...parts, listener, profiling });
}

function welcome(options: RunServerOptions, telemetry: Telemetry): void {
  telemetry.info("server.lifecycle.init", `welcome to lockd ${options.version}`, {
    version: options.version,
    pid: process.pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
  });
  if (options.configPath !== undefined) {
    telemetry.info("cli.root", "loaded config file", { path: options.configPath });
  }
  for (const key of options.unknownKeys) telemetry.warn("cli.root", "config.unknown_key", { key });
}

/** The address asked for, and on disk the socket in the store directory. */
async function listeners(plan: ServePlan, telemetry: Telemetry): Promise<ListenPlan[]> {
  const { parseStoreUrl } = await import("../../storage/store-url.ts");
  const parsed = parseStoreUrl(plan.storeUrl);
  if (parsed.kind !== "disk") return [plan.listen];
  const path = `${parsed.directory}/${ownerSocketName}`;
  if (Buffer.byteLength(path) < socketPathBytesMax) return [plan.listen, { proto: "unix", path }];
  telemetry.warn("server.lifecycle.init", "owner_socket.path_too_long", { path });
  return [plan.listen];
}

/**
 * SIGINT and SIGTERM from the first moment on: the first one ends the server cleanly, also when it
 * comes while the server is still starting; a second one ends the process at once.
 */
function endSignal(): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const onSignal = (name: NodeJS.Signals): void => {
      count += 1;
      if (count === 1) resolve();
      else process.exit(name === "SIGINT" ? 130 : 143);
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
  });
}

interface IdleSweepParts {
  readonly plan: ServePlan;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly engine: { sweep(budget: SweepBudget): Promise<object> };
  readonly idleMs: () => number;
}

/** Tidies up while nobody asks for anything; stops as soon as somebody does. */
function idleSweep(parts: IdleSweepParts): { stop(): void } {
  const { plan, clock, telemetry, engine } = parts;
  const abort = new AbortController();
  let timer = arm();
  function arm(): { cancel(): void } {
    return clock.schedule(plan.sweepIntervalMs, () => {
      void run().finally(() => {
        if (!abort.signal.aborted) timer = arm();
      });
    });
  }
  async function run(): Promise<void> {
    if (parts.idleMs() < plan.sweepGraceMs || plan.sweepOpsMax === 0) return;
    const startedMs = clock.monotonicMs();
    const signal = {
      get aborted() {
        // Somebody asked for something since: the last request is younger than this run.
        return abort.signal.aborted || parts.idleMs() < clock.monotonicMs() - startedMs;
      },
    };
    const budget = { opsMax: plan.sweepOpsMax, runtimeMsMax: plan.sweepRuntimeMsMax, signal };
    try {
      const summary = await engine.sweep(budget);
      telemetry.debug("server.lifecycle.core", "sweeper.summary", { ...summary });
    } catch (error) {
      telemetry.warn("server.lifecycle.core", "sweeper.failed", { error: String(error) });
    }
  }
  return {
    stop: () => {
      abort.abort();
      timer.cancel();
    },
  };
}
