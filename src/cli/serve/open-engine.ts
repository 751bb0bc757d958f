/** The engine of a server, on the store that it owns. */
import type { Engine } from "../../engine/engine.ts";
import type { Clock } from "../../engine/ports/clock.ts";
import type { Random } from "../../engine/ports/random.ts";
import type { IndexBacklog } from "../../server/metrics/looked-at.ts";
import type { Observers } from "./observers.ts";
import type { ServePlan } from "./serve-plan.ts";

export interface EngineParts {
  readonly plan: ServePlan;
  readonly version: string;
  readonly defaultNamespace: string;
  readonly observers: Observers;
  readonly clock: Clock;
  readonly random: Random;
}

export interface OpenEngine {
  readonly engine: Engine;
  readonly indexBacklog: () => readonly IndexBacklog[];
}

/** @throws what opening the store throws: it is wrong, not writable, or somebody else's. */
export async function openEngine(parts: EngineParts): Promise<OpenEngine> {
  const { plan, observers, clock, random } = parts;
  const { telemetry, measures } = observers;
  const [{ Engine }, { openStore, backendHash }, { indexOptions }] = await Promise.all([
    import("../../engine/engine.ts"),
    import("../../storage/open.ts"),
    import("../../indexing/open-index.ts"),
  ]);
  const onNotice = (event: string, fields: Readonly<Record<string, string | number>>): void =>
    telemetry.warn("storage.backend.core", event, fields);
  const bare = await openStore(plan.storeUrl, { gear: "exclusive", onNotice });
  const store = await observers.store(bare);
  const ports = { store, clock, random, telemetry };
  const island = await backendHash({ ...ports, storeUrl: plan.storeUrl, onNotice });
  const indexing = indexOptions({ ...ports, measures, storeUrl: plan.storeUrl, publishes: true });
  telemetry.info("search.index", "indexer.config", {
    engine_default: indexing.queryEngineDefault,
  });
  const engine = new Engine({
    ...plan,
    ...ports,
    version: parts.version,
    transactions: { ...plan.transactions, backendHash: island },
    ...indexing,
    defaultNamespace: parts.defaultNamespace,
  });
  return { engine, indexBacklog: () => indexing.index?.backlog?.() ?? [] };
}
