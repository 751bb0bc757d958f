/**
 * Nodes over one store, the way to them, and what goes wrong: what the workloads of queues and
 * transactions run on. What they do, and what must be true of it, is their own.
 */
import { Chaos } from "./chaos.ts";
import type { Faults } from "./faults.ts";
import type { Mutant } from "./mutant.ts";
import { SimNode } from "./node.ts";
import { QueueWire } from "./queue/wire.ts";
import type { Rng } from "./rng.ts";
import type { Scheduler } from "./scheduler.ts";
import { StoreTruth } from "./store-truth.ts";
import type { Trace } from "./trace.ts";
import type { Violation } from "./violation.ts";

/** Longest jumps of clocks, both ways: what was delayed by a clock that was ahead. */
const jumpMsMax = 86_400_000 * 30;
/** Virtual milliseconds of one sweep. */
const sweepMsMax = 60_000;

export interface ClusterParts {
  /** The world's own. */
  readonly rng: Rng;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly trace: Trace;
  readonly exclusive: boolean;
  readonly atomicPlan: boolean;
  readonly clockFaults: boolean;
  /** Drawn unless given. */
  readonly nodes?: number;
  readonly mutant: Mutant | undefined;
}

export class Cluster {
  readonly truth = new StoreTruth();
  readonly wire: QueueWire;
  readonly nodes: readonly SimNode[];
  readonly violations: Violation[] = [];
  readonly #parts: ClusterParts;
  #heal: () => void = () => {};
  #chaos: Chaos | undefined;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    const { rng, scheduler, faults, trace, exclusive, atomicPlan, clockFaults, mutant } = parts;
    this.wire = new QueueWire({ scheduler, faults, rng: rng.fork("network"), trace });
    const healed = new Promise<void>((resolve) => {
      this.#heal = resolve;
    });
    const length = parts.nodes ?? (exclusive ? 1 : rng.pick([1, 2, 3]));
    this.nodes = Array.from(
      { length },
      (_, number) =>
        new SimNode({
          ...{ name: `n${number}`, number: number + 1, truth: this.truth, exclusive, atomicPlan },
          ...{ scheduler, faults, trace, healed, clockFaults, mutant },
          rng: rng.fork(`node ${number}`),
          onPoint: () => {},
        }),
    );
  }

  /** From now on nodes die and the network breaks. */
  disturb(): void {
    const { rng, scheduler, faults } = this.#parts;
    const { nodes, wire: network } = this;
    this.#chaos = new Chaos({ nodes, network, scheduler, faults, rng: rng.fork("chaos") });
  }

  async runAll(clients: readonly { run(): Promise<void> }[], msMax: number): Promise<void> {
    const { scheduler } = this.#parts;
    let running = clients.length;
    for (const client of clients) {
      void client.run().then(() => {
        running -= 1;
      });
    }
    await scheduler.run(scheduler.now + msMax, () => running === 0);
    if (running > 0) this.violate("P11 progress", `${running} clients did not finish`);
  }

  /** Nothing fails any more; after so long nothing is hung, and clocks that were ahead are not. */
  async peace(settleMs: number): Promise<void> {
    this.#chaos?.stop();
    this.#heal();
    await this.pass(settleMs);
    const { executing } = this.wire;
    if (executing > 0) this.violate("P11 progress", `${executing} calls are never answered`);
    if (this.#parts.clockFaults) await this.pass(jumpMsMax);
  }

  pass(ms: number): Promise<void> {
    const { scheduler } = this.#parts;
    return scheduler.run(scheduler.now + ms);
  }

  /** Every node sweeps everything, so many times, with pauses. */
  async sweepAll(rounds: number, pauseMs: number): Promise<void> {
    const { scheduler } = this.#parts;
    for (let round = 0; round < rounds; round += 1) {
      for (const { engine } of this.nodes) {
        let isDone = false;
        void engine.sweep({ opsMax: 10_000, signal: undefined }).then(
          () => {
            isDone = true;
          },
          (error: unknown) => this.violate("P11 progress", `sweep: ${String(error)}`),
        );
        await scheduler.run(scheduler.now + sweepMsMax, () => isDone);
      }
      await this.pass(pauseMs);
    }
  }

  /** Nobody waits for anything any more. */
  checkTimers(): void {
    for (const { name, timers } of this.nodes) {
      if (timers > 0) this.violate("P12 bounded", `${name} keeps ${timers} timers`);
    }
  }

  /** No caller was told what no error is. */
  checkOutcomes(): void {
    for (const { outcome } of this.wire.operations) {
      if (outcome?.kind === "broken") this.violate("P15 error codes", outcome.what);
    }
  }

  /** What every report tells. */
  facts() {
    const { trace, faults } = this.#parts;
    return {
      ...{ traceHash: trace.hash, trace: trace.lines, faults: faults.counts },
      operations: this.wire.operations.length,
      storeCalls: this.nodes.reduce((sum, node) => sum + node.storeCalls, 0),
    };
  }

  violate(property: string, text: string): void {
    this.violations.push({ property, key: "", text, atMs: this.#parts.scheduler.now });
  }
}
