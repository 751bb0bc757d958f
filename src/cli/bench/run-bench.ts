/** One bench: yardsticks and measures in one run, and everything tidied up whatever happens. */
import type { Connection } from "../connect.ts";
import { note } from "../output.ts";
import type { BenchPlan, MeasureName } from "./bench-plan.ts";
import { BenchCycles } from "./cycles.ts";
import { type Load, load } from "./load.ts";
import { bareHttpYardstick, syncedWriteYardstick, type Yardstick } from "./yardsticks.ts";

/** Seconds a bench may take beyond its measures before another one may begin. */
const spareSeconds = 60;

export interface Measure {
  readonly name: MeasureName;
  readonly calls: number;
  readonly load: Load;
}

export interface BenchResult {
  readonly place: string;
  readonly clients: number;
  readonly seconds: number;
  readonly yardsticks: readonly Yardstick[];
  readonly measures: readonly Measure[];
}

/** @throws waiting when another bench runs there; the signal's reason; what lockd refuses */
export async function runBench(
  connection: Connection,
  plan: BenchPlan,
  signal: AbortSignal,
): Promise<BenchResult> {
  const { lockd, mode } = connection;
  const parts = plan.measures.length + 2;
  const ttlSeconds = Math.ceil((parts * plan.measureMs) / 1000) + spareSeconds;
  const turn = { namespace: plan.namespace, key: "bench/turn" };
  const terms = { owner: "lockd bench", ttlSeconds, blockSeconds: -1 };
  const { leaseId, txnId, fencingToken } = await lockd.acquire({ ...turn, ...terms });
  const cycles = new BenchCycles(lockd, plan.namespace);
  try {
    const yardsticks = await measureYardsticks(connection, plan, signal);
    const measures: Measure[] = [];
    for (const name of plan.measures) {
      const { once, calls } = cycles.of(name);
      const { clients, measureMs: ms } = plan;
      measures.push({ name, calls, load: await load({ clients, ms, signal, once }) });
    }
    const place = mode.kind === "inline" ? mode.storeUrl : mode.endpoints;
    const seconds = plan.measureMs / 1000;
    return { place, clients: plan.clients, seconds, yardsticks, measures };
  } finally {
    try {
      await cycles.cleanUp(plan.clients);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      note(`lockd bench: what it left in namespace ${plan.namespace} is still there: ${reason}`);
    }
    await lockd.release({ ...turn, leaseId, txnId, fencingToken }).catch(() => {});
  }
}

async function measureYardsticks(
  { mode, worksInline }: Connection,
  { clients, measureMs: ms }: BenchPlan,
  signal: AbortSignal,
): Promise<Yardstick[]> {
  const found: Yardstick[] = [];
  if (mode.kind === "inline") {
    const { parseStoreUrl } = await import("../../storage/store-url.ts");
    const parsed = parseStoreUrl(mode.storeUrl);
    if (parsed.kind === "disk") {
      found.push(await syncedWriteYardstick(parsed.directory, { ms, signal }));
    }
    if (worksInline()) return found;
  }
  const isSocket = mode.kind === "inline" || mode.endpoints.startsWith("unix:");
  const transport = isSocket ? "unix" : "tcp";
  return [...found, await bareHttpYardstick({ transport, clients, ms, signal })];
}
