/** One run of the transaction workload: nodes, clients, faults; then peace, and the checks. */
import { recordName, recordPrefix } from "../../../src/engine/record/key-record.ts";
import { decodeRecord } from "../../../src/engine/record/record-codec.ts";
import { txnPrefix } from "../../../src/engine/txn/txn-record.ts";
import { Chaos } from "../chaos.ts";
import { drawFaults, type FaultKind, Faults } from "../faults.ts";
import type { Mutant } from "../mutant.ts";
import { SimNode } from "../node.ts";
import { QueueWire } from "../queue/wire.ts";
import { Rng } from "../rng.ts";
import { Scheduler } from "../scheduler.ts";
import { StoreTruth } from "../store-truth.ts";
import { Trace } from "../trace.ts";
import type { Violation } from "../violation.ts";
import { checkLists } from "./checks.ts";
import { type Attempt, TxnClient } from "./client.ts";

export interface TxnReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly attempts: number;
  readonly committed: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
}

/** Virtual milliseconds the clients get, and what is hung or leased after them. */
const workMsMax = 30 * 60_000;
const settleMs = 120_000;
const jumpMsMax = 86_400_000 * 30;

export class TxnWorld {
  readonly seed: number;
  readonly rng: Rng;
  readonly trace: Trace;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly truth = new StoreTruth();
  readonly wire: QueueWire;
  readonly nodes: readonly SimNode[];
  readonly keys: readonly string[];
  readonly attempts: Attempt[] = [];
  readonly violations: Violation[] = [];
  readonly #clockFaults: boolean;
  #heal: () => void = () => {};

  constructor(seed: number, options: { readonly mutant?: Mutant; readonly trace?: boolean }) {
    this.seed = seed;
    this.rng = new Rng(seed, "txn world");
    const exclusive = this.rng.chance(0.45);
    const atomicPlan = this.rng.chance(0.5);
    const clockFaults = this.rng.chance(0.2);
    this.#clockFaults = clockFaults;
    this.keys = Array.from({ length: this.rng.pick([2, 3, 4]) }, (_, at) => `k${at}`);
    this.trace = new Trace(options.trace ?? false);
    this.scheduler = new Scheduler(this.rng.fork("ties"));
    this.faults = new Faults(
      this.rng.fork("faults"),
      drawFaults(this.rng.fork("rates"), { exclusive, clockFaults }),
    );
    const { scheduler, faults, trace, truth } = this;
    this.wire = new QueueWire({ scheduler, faults, rng: this.rng.fork("network"), trace });
    const healed = new Promise<void>((resolve) => {
      this.#heal = resolve;
    });
    const nodes = exclusive ? 1 : this.rng.pick([1, 2, 3]);
    this.nodes = Array.from(
      { length: nodes },
      (_, number) =>
        new SimNode({
          name: `n${number}`,
          number: number + 1,
          truth,
          exclusive,
          atomicPlan,
          scheduler,
          faults,
          rng: this.rng.fork(`node ${number}`),
          trace,
          healed,
          onPoint: () => {},
          clockFaults,
          mutant: options.mutant,
        }),
    );
  }

  async work(): Promise<void> {
    const { scheduler, wire, nodes, faults, keys, attempts, rng } = this;
    const chaos = new Chaos({ nodes, network: wire, scheduler, faults, rng: rng.fork("chaos") });
    const clients = rng.pick([1, 2, 3, 4]);
    const pauseMs = rng.pick([5, 100, 400]);
    let running = clients;
    for (let number = 0; number < clients; number += 1) {
      const name = `c${number}`;
      const own = rng.fork(name);
      const parts = { name, number, keys, nodes, wire, scheduler, attempts, pauseMs };
      void new TxnClient({ ...parts, rng: own, rounds: Math.ceil(24 / clients) }).run().then(() => {
        running -= 1;
      });
    }
    await scheduler.run(workMsMax, () => running === 0);
    if (running > 0) this.#violate("P11 progress", `${running} clients did not finish`);
    chaos.stop();
    this.#heal();
    await scheduler.run(scheduler.now + settleMs);
    if (wire.executing > 0) {
      this.#violate("P11 progress", `${wire.executing} calls are never answered`);
    }
    if (this.#clockFaults) await scheduler.run(scheduler.now + jumpMsMax);
  }

  /** Now that nothing fails any more, sweeping brings everything to its end. */
  async converge(): Promise<void> {
    const { scheduler, nodes } = this;
    for (let round = 0; round < 3; round += 1) {
      for (const node of nodes) {
        let done = false;
        const sweep = node.engine.sweep({ opsMax: 10_000, signal: undefined });
        void sweep.then(
          () => {
            done = true;
          },
          (error: unknown) => this.#violate("P11 progress", `sweep: ${String(error)}`),
        );
        await scheduler.run(scheduler.now + 60_000, () => done);
      }
      await scheduler.run(scheduler.now + 5_000);
    }
    for (const node of nodes) {
      if (node.timers > 0) this.#violate("P12 bounded", `${node.name} keeps ${node.timers} timers`);
    }
  }

  report(): TxnReport {
    for (const { name } of this.truth.objects(txnPrefix)) {
      this.#violate("P11 progress", `${name} is never finished`);
    }
    const lists = new Map<string, readonly string[]>();
    for (const { name, bytes } of this.truth.objects(recordPrefix)) {
      const { record } = decodeRecord(name, bytes);
      if (record.staged !== undefined || record.lease !== undefined) {
        this.#violate("P11 progress", `${name} keeps a lease or staged changes`);
      }
      const { place } = record.state ?? {};
      const text = place?.kind === "inline" ? Buffer.from(place.bytes).toString() : "[]";
      const key = this.keys.find((one) => recordName("default", one) === name) ?? name;
      lists.set(key, JSON.parse(text) as string[]);
    }
    for (const { outcome } of this.wire.operations) {
      if (outcome?.kind === "broken") this.#violate("P15 error codes", outcome.what);
    }
    const violations = [...this.violations, ...checkLists(this.attempts, lists)];
    return {
      seed: this.seed,
      violations,
      traceHash: this.trace.hash,
      trace: this.trace.lines,
      attempts: this.attempts.length,
      committed: this.attempts.filter(({ mark, keys }) =>
        keys.some((key) => lists.get(key)?.includes(mark)),
      ).length,
      faults: this.faults.counts,
    };
  }

  #violate(property: string, text: string): void {
    this.violations.push({ property, key: "", text, atMs: this.scheduler.now });
  }
}

/** Runs one seed to its end and checks it. */
export async function runTxnSeed(
  seed: number,
  options: { readonly mutant?: Mutant; readonly trace?: boolean } = {},
): Promise<TxnReport> {
  const uninstall = options.mutant?.install?.();
  try {
    const world = new TxnWorld(seed, options);
    await world.work();
    await world.converge();
    return world.report();
  } finally {
    uninstall?.();
  }
}
