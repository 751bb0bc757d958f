/**
 * A seeded bug, put between the engine and its ports or in front of it: the product has no switch
 * for it. `install` patches a method of the engine for the time of a run and gives it back.
 */
import type { ServedLockd } from "../../src/api/lockd.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Clock } from "../../src/engine/ports/clock.ts";
import type { Store } from "../../src/engine/ports/store.ts";
import type { StoreTruth } from "./store-truth.ts";

export interface Mutant {
  readonly name: string;
  /** What a developer could have got wrong. */
  readonly bug: string;
  readonly store?: (store: Store, truth: StoreTruth) => Store;
  readonly clock?: (clock: Clock) => Clock;
  readonly lockd?: (engine: Engine, truth: StoreTruth) => ServedLockd;
  readonly install?: () => () => void;
}
