import type { Engine } from "../engine/engine.ts";

/** What an engine in this process may vary by; everything has a default. */
export interface InlineOptions {
  readonly defaultNamespace?: string | undefined;
  readonly jsonBytesMax?: number | undefined;
  readonly defaultTtlSeconds?: number | undefined;
  readonly maxTtlSeconds?: number | undefined;
  readonly acquireBlockSeconds?: number | undefined;
  /** Called with a stable event name for what an operator should know. */
  readonly onNotice?:
    | ((event: string, fields: Readonly<Record<string, string | number>>) => void)
    | undefined;
}

/**
 * Opens a store in the shared gear and an engine over it. Loads engine and store code on its first
 * use, so that a program that talks to a server never pays for them.
 * @throws invalid_store, store_unusable, store_version_unknown
 */
export async function openInlineEngine(store: string, options: InlineOptions): Promise<Engine> {
  const [
    engine,
    limits,
    { openStore, backendHash },
    { SystemClock },
    { systemRandom },
    ports,
    names,
    indexing,
  ] = await Promise.all([
    import("../engine/engine.ts"),
    import("../engine/limits.ts"),
    import("../storage/open.ts"),
    import("../host/clock.ts"),
    import("../host/random.ts"),
    import("../engine/ports/telemetry.ts"),
    import("../api/names.ts"),
    import("../indexing/open-index.ts"),
  ]);
  const { onNotice } = options;
  const defaultNamespace = names.normalizeNamespace(options.defaultNamespace, "default");
  const notices = onNotice === undefined ? {} : { onNotice };
  const opened = await openStore(store, { gear: "shared", ...notices });
  const clock = new SystemClock();
  const random = systemRandom();
  const telemetry = ports.silentTelemetry;
  const island = await backendHash({ store: opened, storeUrl: store, random, ...notices });
  // Brought up to date when somebody asks for it: most inline processes are over in a moment.
  const index = { store: opened, storeUrl: store, clock, random, telemetry, publishes: false };
  return new engine.Engine({
    store: opened,
    clock,
    random,
    telemetry,
    ...indexing.indexOptions(index),
    transactions: { backendHash: island },
    defaultNamespace,
    jsonBytesMax: options.jsonBytesMax ?? limits.jsonBytesMaxDefault,
    defaultTtlSeconds: options.defaultTtlSeconds ?? limits.leaseTtlSecondsDefault,
    maxTtlSeconds: options.maxTtlSeconds ?? limits.leaseTtlSecondsMaxDefault,
    acquireBlockSeconds: options.acquireBlockSeconds ?? limits.acquireBlockSecondsDefault,
  });
}

/**
 * Finishes what an owner that died left in its journal. Opening a store does that; an engine that
 * is open already would read past it until its next write.
 */
export async function finishForDeadOwner(store: string): Promise<void> {
  const { openStore } = await import("../storage/open.ts");
  const opened = await openStore(store, { gear: "shared" });
  await opened.close();
}
