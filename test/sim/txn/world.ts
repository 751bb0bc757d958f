/** One run of the transaction workload: nodes, clients, faults; then peace, and the checks. */
import { recordName, recordPrefix } from "../../../src/engine/record/key-record.ts";
import { decodeRecord } from "../../../src/engine/record/record-codec.ts";
import { txnPrefix } from "../../../src/engine/txn/txn-record.ts";
import { Cluster } from "../cluster.ts";
import { drawFaults, Faults } from "../faults.ts";
import type { Mutant } from "../mutant.ts";
import { Rng } from "../rng.ts";
import { Scheduler } from "../scheduler.ts";
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
}

/** Virtual milliseconds the clients get, and what is hung or leased after them. */
const workMsMax = 30 * 60_000;
const settleMs = 120_000;

export class TxnWorld {
  readonly #seed: number;
  readonly #rng: Rng;
  readonly #scheduler: Scheduler;
  readonly #cluster: Cluster;
  readonly #keys: readonly string[];
  readonly #attempts: Attempt[] = [];

  constructor(seed: number, options: { readonly mutant?: Mutant; readonly trace?: boolean }) {
    this.#seed = seed;
    const rng = new Rng(seed, "txn world");
    this.#rng = rng;
    const exclusive = rng.chance(0.45);
    const atomicPlan = rng.chance(0.5);
    const clockFaults = rng.chance(0.2);
    this.#keys = Array.from({ length: rng.pick([2, 3, 4]) }, (_, at) => `k${at}`);
    const trace = new Trace(options.trace ?? false);
    const scheduler = new Scheduler(rng.fork("ties"));
    this.#scheduler = scheduler;
    const faults = new Faults(
      rng.fork("faults"),
      drawFaults(rng.fork("rates"), { exclusive, clockFaults }),
    );
    const kind = { exclusive, atomicPlan, clockFaults, mutant: options.mutant };
    this.#cluster = new Cluster({ rng, scheduler, faults, trace, ...kind });
  }

  async work(): Promise<void> {
    const cluster = this.#cluster;
    cluster.disturb();
    const [rng, scheduler] = [this.#rng, this.#scheduler];
    const clients = rng.pick([1, 2, 3, 4]);
    const pauseMs = rng.pick([5, 100, 400]);
    const { nodes, wire } = cluster;
    const own = { keys: this.#keys, attempts: this.#attempts, rounds: Math.ceil(24 / clients) };
    const all = Array.from({ length: clients }, (_, number) => {
      const name = `c${number}`;
      const parts = { name, number, nodes, wire, scheduler, pauseMs, rng: rng.fork(name) };
      return new TxnClient({ ...parts, ...own });
    });
    await cluster.runAll(all, workMsMax);
    await cluster.peace(settleMs);
  }

  /** Now that nothing fails any more, sweeping brings everything to its end. */
  async converge(): Promise<void> {
    await this.#cluster.sweepAll(3, 5_000);
    this.#cluster.checkTimers();
  }

  report(): TxnReport {
    const cluster = this.#cluster;
    for (const { name } of cluster.truth.objects(txnPrefix)) {
      cluster.violate("P11 progress", `${name} is never finished`);
    }
    const lists = new Map<string, readonly string[]>();
    for (const { name, bytes } of cluster.truth.objects(recordPrefix)) {
      const { record } = decodeRecord(name, bytes);
      if (record.staged !== undefined || record.lease !== undefined) {
        cluster.violate("P11 progress", `${name} keeps a lease or staged changes`);
      }
      const { place } = record.state ?? {};
      const text = place?.kind === "inline" ? Buffer.from(place.bytes).toString() : "[]";
      const key = this.#keys.find((one) => recordName("default", one) === name) ?? name;
      lists.set(key, JSON.parse(text) as string[]);
    }
    cluster.checkOutcomes();
    const { traceHash, trace } = cluster.facts();
    return {
      ...{ seed: this.#seed, traceHash, trace, attempts: this.#attempts.length },
      violations: [...cluster.violations, ...checkLists(this.#attempts, lists)],
      committed: this.#attempts.filter(({ mark, keys }) =>
        keys.some((key) => lists.get(key)?.includes(mark)),
      ).length,
    };
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
