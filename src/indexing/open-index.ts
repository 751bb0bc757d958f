import type { Clock } from "../engine/ports/clock.ts";
import type { Random } from "../engine/ports/random.ts";
import type { Store } from "../engine/ports/store.ts";
import type { Telemetry } from "../engine/ports/telemetry.ts";
import { SegmentStore } from "../engine/query/index/segments/segment-store.ts";
import { StoreIndex } from "../engine/query/index/store-index.ts";
import { SqliteTermStore } from "./sqlite-term-store.ts";

export interface OpenIndexOptions {
  readonly store: Store;
  /** The directory of a disk store; its index lives beside the data. */
  readonly directory: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** A server publishes by itself, a short-lived process only when it is asked to. */
  readonly publishes: boolean;
}

/** The query index of a store. Opens files and threads when they are first needed. */
export function openIndex(options: OpenIndexOptions): StoreIndex {
  const { store, directory, random } = options;
  const terms =
    directory === undefined
      ? new SegmentStore({ store, random })
      : new SqliteTermStore(directory, () => index.noteDamage());
  const index = new StoreIndex({ ...options, terms });
  return index;
}
