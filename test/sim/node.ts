/** A simulated server: an engine over simulated ports, in a process that can freeze and die. */
import type { ServedLockd } from "../../src/api/lockd.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { EngineOptions } from "../../src/engine/options.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import type { Faults } from "./faults.ts";
import type { Mutant } from "./mutant.ts";
import { SimProcess } from "./process.ts";
import type { Rng } from "./rng.ts";
import type { Scheduler } from "./scheduler.ts";
import { HardwareClock, SimClock } from "./sim-clock.ts";
import { simRandom } from "./sim-random.ts";
import { SimStore } from "./sim-store.ts";
import type { StoreTruth } from "./store-truth.ts";
import type { Trace } from "./trace.ts";

/** Longest lease of a run: short, so that the sweeper's patience is short too. */
export const maxTtlSeconds = 60;

export interface NodeParts {
  readonly name: string;
  readonly number: number;
  readonly truth: StoreTruth;
  readonly exclusive: boolean;
  readonly atomicPlan?: boolean;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly rng: Rng;
  readonly trace: Trace;
  readonly healed: Promise<void>;
  readonly onPoint: (node: SimNode, point: string) => void;
  readonly clockFaults: boolean;
  readonly mutant: Mutant | undefined;
  /** How long decisions are remembered; for ever when absent. */
  readonly retentionSeconds?: number;
}

/** Longer than clocks jump: what was decided is remembered to the end of the run. */
const retentionSecondsUsual = 400 * 86_400;

export class SimNode {
  readonly process = new SimProcess();
  readonly hardware: HardwareClock;
  readonly #parts: NodeParts;
  #lives = 0;
  #storeCalls = 0;
  #current: { lockd: ServedLockd; engine: Engine; clock: SimClock; store: SimStore };

  constructor(parts: NodeParts) {
    this.#parts = parts;
    const { rng, scheduler, faults } = parts;
    const drifts = parts.clockFaults && faults.strikes("clock-drift");
    this.hardware = new HardwareClock(scheduler, {
      originMs: Math.floor(rng.between(1e6, 1e9)),
      offsetMs: parts.clockFaults ? Math.floor(rng.between(-2_000, 2_000)) : 0,
      rate: drifts ? rng.between(0.5, 2) : 1,
    });
    this.#current = this.#boot();
  }

  get name(): string {
    return this.#parts.name;
  }

  get lockd(): ServedLockd {
    return this.#current.lockd;
  }

  get engine(): Engine {
    return this.#current.engine;
  }

  /** Timers of the engine that are still to come. */
  get timers(): number {
    return this.#current.clock.timers;
  }

  get storeCalls(): number {
    return this.#storeCalls + this.#current.store.calls;
  }

  /** Power off: everything in memory is gone, and what the disk had not synced may be. */
  crash(): void {
    const { truth, faults, rng, exclusive } = this.#parts;
    this.#note("crash");
    this.process.kill();
    if (exclusive && truth.loseUnsynced(rng)) faults.count("store-unsynced-lost");
  }

  restart(): void {
    this.#note("restart");
    this.process.revive();
    this.#storeCalls += this.#current.store.calls;
    this.#current = this.#boot();
  }

  freeze(): void {
    this.#note("freeze");
    this.process.freeze();
  }

  thaw(): void {
    this.#note("thaw");
    for (const run of this.process.thaw()) this.#parts.scheduler.after(0, run);
  }

  #boot(): { lockd: ServedLockd; engine: Engine; clock: SimClock; store: SimStore } {
    const { scheduler, truth, faults, rng, trace, healed, mutant } = this.#parts;
    this.#lives += 1;
    const store = new SimStore({
      truth,
      scheduler,
      process: this.process,
      faults,
      rng: rng.fork("store"),
      trace,
      exclusive: this.#parts.exclusive,
      atomicPlan: this.#parts.atomicPlan ?? false,
      user: this.name,
      onPoint: (point) => this.#parts.onPoint(this, point),
      healed,
    });
    const clock = new SimClock({ scheduler, hardware: this.hardware, process: this.process });
    const options: EngineOptions = {
      store: mutant?.store?.(store, truth) ?? store,
      clock: mutant?.clock?.(clock) ?? clock,
      random: simRandom(rng.fork("random"), this.#parts.number * 1000 + this.#lives),
      telemetry: silentTelemetry,
      defaultNamespace: "default",
      jsonBytesMax: 1024 * 1024,
      defaultTtlSeconds: 30,
      maxTtlSeconds,
      acquireBlockSeconds: 10,
      transactions: {
        retentionSeconds: this.#parts.retentionSeconds ?? retentionSecondsUsual,
      },
    };
    const engine = new Engine(options);
    return { lockd: mutant?.lockd?.(engine, truth) ?? engine, engine, clock, store };
  }

  #note(text: string): void {
    this.#parts.trace.note(this.#parts.scheduler.now, `${this.name} ${text}`);
  }
}
