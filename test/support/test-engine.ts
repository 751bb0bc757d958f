import { Engine } from "../../src/engine/engine.ts";
import type { EngineOptions } from "../../src/engine/options.ts";
import type { Random } from "../../src/engine/ports/random.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { ManualClock } from "./manual-clock.ts";
import { ScriptedStore } from "./scripted-store.ts";

/** Ids that count up, in the right form, and a fraction that is always one half. */
export function countingRandom(): Random {
  let count = 0;
  return {
    fraction: () => 0.5,
    xid: () => {
      count += 1;
      return `${count.toString(32).padStart(19, "0")}g`;
    },
    uuid: () => {
      count += 1;
      return `00000000-0000-7000-8000-${count.toString(16).padStart(12, "0")}`;
    },
  };
}

export interface TestEngine {
  readonly engine: Engine;
  readonly clock: ManualClock;
  readonly store: ScriptedStore;
}

/** An engine over a scripted store under a manual clock. */
export function testEngine(
  options: Partial<EngineOptions> & { store?: ScriptedStore } = {},
): TestEngine {
  const clock = new ManualClock();
  const store = options.store ?? new ScriptedStore();
  const engine = new Engine({
    clock,
    random: countingRandom(),
    telemetry: silentTelemetry,
    defaultNamespace: "default",
    jsonBytesMax: 100 * 1024 * 1024,
    defaultTtlSeconds: 30,
    maxTtlSeconds: 1800,
    acquireBlockSeconds: 60,
    ...options,
    store,
  });
  return { engine, clock, store };
}
