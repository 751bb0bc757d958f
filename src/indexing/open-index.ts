import type { EngineOptions } from "../engine/options.ts";
import type { Clock } from "../engine/ports/clock.ts";
import type { IndexMeasures } from "../engine/ports/index-measures.ts";
import type { Random } from "../engine/ports/random.ts";
import type { Store } from "../engine/ports/store.ts";
import type { Telemetry } from "../engine/ports/telemetry.ts";
import { SegmentStore } from "../engine/query/index/segments/segment-store.ts";
import { StoreIndex } from "../engine/query/index/store-index.ts";
import { parseStoreUrl } from "../storage/store-url.ts";
import { SqliteTermStore } from "./sqlite-term-store.ts";

export interface OpenIndexOptions {
  readonly store: Store;
  /** The index of a disk store lives in its directory. */
  readonly storeUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly measures?: IndexMeasures | undefined;
  /** A server publishes by itself, a short-lived process only when it is asked to. */
  readonly publishes: boolean;
}

/** The query index of a store. Opens files and threads when they are first needed. */
export function openIndex(options: OpenIndexOptions): StoreIndex {
  const { store, random } = options;
  const url = parseStoreUrl(options.storeUrl);
  const terms =
    url.kind === "memory"
      ? new SegmentStore({ store, random })
      : new SqliteTermStore(url.directory, () => index.noteDamage());
  // What is gone with the process, and searched by scanning unless told otherwise, is not worth it.
  const publishes = options.publishes && url.kind !== "memory";
  const index = new StoreIndex({ ...options, publishes, terms });
  return index;
}

/** The index of an engine, and what its namespaces use unless they choose (section 10). */
export function indexOptions(
  options: OpenIndexOptions,
): Pick<EngineOptions, "index" | "queryEngineDefault"> {
  const isMemory = parseStoreUrl(options.storeUrl).kind === "memory";
  return { index: openIndex(options), queryEngineDefault: isMemory ? "scan" : "index" };
}
