/** The life of `lockd serve`: open, listen, wait for a signal, drain, close. */
import type { Lockd } from "../../api/lockd.ts";
import type { Telemetry } from "../../engine/ports/telemetry.ts";
import { SystemClock } from "../../host/clock.ts";
import { systemRandom } from "../../host/random.ts";
import { openTelemetry } from "../../host/telemetry.ts";
import type { LockdMetrics } from "../../server/metrics/lockd-metrics.ts";
import type { DrainSummary } from "../../server/server.ts";
import { idleSweep } from "./idle-sweep.ts";
import { Observers } from "./observers.ts";
import type { ListenPlan, ServePlan } from "./serve-plan.ts";

/** Name of the socket inside the store directory which inline commands look for. */
const ownerSocketName = "lockd.sock";

/** Bytes of a unix socket path, the terminating zero included, on Linux; macOS has 104. */
const socketPathBytesMax = 104;

export interface RunServerOptions {
  readonly plan: ServePlan;
  readonly version: string;
  readonly logMode: "json" | "console";
  readonly verboseFields?: boolean;
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
  const { plan, version, logMode: mode, verboseFields = false } = options;
  const ended = endSignal();
  const plain = await openTelemetry({ level: plan.logLevel, mode, verboseFields });
  welcome(options, plain);
  const [{ openEngine }, { startServer }, names] = await Promise.all([
    import("./open-engine.ts"),
    import("../../server/server.ts"),
    import("../../api/names.ts"),
  ]);
  const defaultNamespace = names.normalizeNamespace(plan.defaultNamespace, "default");
  const observers = await Observers.open({ plan, version, defaultNamespace, telemetry: plain });
  const { telemetry, measures } = observers;
  const clock = new SystemClock({
    onStep: (ms) => telemetry.warn("server.lifecycle.core", "clock.step", { ahead_ms: ms }),
  });
  const random = systemRandom();
  const served = { plan, version, defaultNamespace, observers, clock, random };
  const { engine, indexBacklog } = await openEngine(served);
  const bug = Promise.withResolvers<number>();
  let ready = false;
  try {
    await observers.listen({ lockd: engine, indexBacklog, ready: () => ready });
    const server = await startServer({
      ...plan,
      lockd: await observers.lockd(engine),
      observer: observers.requests,
      onDrained: (drain) => noteDrain(measures, drain),
      clock,
      random,
      telemetry,
      listeners: await listeners(plan, telemetry),
      onBug: () => bug.resolve(1),
    });
    ready = true;
    const idleMs = () => server.idleMs();
    const sweep = idleSweep({ plan, clock, telemetry, engine, idleMs });
    const beside = options.beside?.({ lockd: engine, endpoints: server.endpoints });
    const ends = [ended.then(() => 0), bug.promise, ...(beside === undefined ? [] : [beside])];
    const exitCode = await Promise.race(ends);
    ready = false;
    sweep.stop();
    await server.stop();
    return exitCode;
  } finally {
    await observers.unlisten();
    await engine.close();
    await observers.stop();
  }
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
  telemetry.info("server.lifecycle.init", "json compaction configured", { impl: "lockd" });
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

/** The histograms of a drain; scraped once more only by those who look while the server ends. */
function noteDrain(measures: LockdMetrics | undefined, drain: DrainSummary): void {
  if (measures === undefined) return;
  measures.observe("lockd.shutdown.drain.active_leases", drain.activeLeases, {});
  measures.observe("lockd.shutdown.drain.remaining_leases", drain.remainingLeases, {});
  measures.observe("lockd.shutdown.drain.elapsed_seconds", drain.elapsedMs / 1000, {});
}
