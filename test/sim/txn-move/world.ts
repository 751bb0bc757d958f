/**
 * One run of the move workload: messages go from queue to queue in transactions, under faults and
 * crashes; then peace, and every message is where it was last moved to, once.
 */
import { messagePrefix } from "../../../src/engine/queue/message.ts";
import { decodeMessage } from "../../../src/engine/queue/message-codec.ts";
import { txnPrefix } from "../../../src/engine/txn/txn-record.ts";
import { Cluster } from "../cluster.ts";
import { drawFaults, type FaultKind, Faults } from "../faults.ts";
import type { Mutant } from "../mutant.ts";
import { Rng } from "../rng.ts";
import { Scheduler } from "../scheduler.ts";
import { Trace } from "../trace.ts";
import type { Violation } from "../violation.ts";
import { checkMoves, type Found } from "./checks.ts";
import { type Move, MoveClient } from "./client.ts";

export interface MoveReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly moves: number;
  readonly committed: number;
}

/** Virtual milliseconds the clients get, and what is leased or hung after them. */
const workMsMax = 30 * 60_000;
const settleMs = 120_000;
/** Twice this is beyond the age at which a staged message of no transaction is taken away. */
const sweepPauseMs = 13 * 3_600_000;

export class MoveWorld {
  readonly #seed: number;
  readonly #rng: Rng;
  readonly #scheduler: Scheduler;
  readonly #cluster: Cluster;
  readonly #queues: readonly string[];
  readonly #seeded: string[] = [];
  readonly #moves: Move[] = [];

  constructor(seed: number, options: { readonly mutant?: Mutant; readonly trace?: boolean }) {
    this.#seed = seed;
    const rng = new Rng(seed, "move world");
    this.#rng = rng;
    const exclusive = rng.chance(0.45);
    const atomicPlan = rng.chance(0.5);
    this.#queues = ["a", "b", "c"].slice(0, rng.pick([2, 3]));
    const trace = new Trace(options.trace ?? false);
    const scheduler = new Scheduler(rng.fork("ties"));
    this.#scheduler = scheduler;
    const rates = drawFaults(rng.fork("rates"), { exclusive, clockFaults: false });
    const faults = new Faults(rng.fork("faults"), withoutDoubles(rates));
    const kind = { exclusive, atomicPlan, clockFaults: false, mutant: options.mutant };
    this.#cluster = new Cluster({ rng, scheduler, faults, trace, ...kind });
  }

  /** Messages that were put in before anything fails. */
  async prepare(): Promise<void> {
    const [rng, scheduler, seeded] = [this.#rng, this.#scheduler, this.#seeded];
    const [node] = this.#cluster.nodes;
    if (node === undefined) return;
    for (let number = 0; number < rng.pick([1, 3, 6]); number += 1) {
      const mark = `s${number}`;
      const dedupeKey = mark;
      for (let time = 0; time < 20 && !seeded.includes(mark); time += 1) {
        const queue = rng.pick(this.#queues.slice(0, 1));
        const request = { queue, dedupeKey, dedupeWindowSeconds: 86_400 };
        const putting = node.lockd.queues.enqueue(request, Buffer.from(mark));
        void putting.then(
          () => seeded.push(mark),
          () => {},
        );
        await scheduler.run(scheduler.now + 30_000, () => seeded.includes(mark));
      }
    }
  }

  async work(): Promise<void> {
    const cluster = this.#cluster;
    cluster.disturb();
    const [rng, scheduler] = [this.#rng, this.#scheduler];
    const clients = rng.pick([1, 2, 3, 4]);
    const pauseMs = rng.pick([5, 100, 400]);
    const { nodes, wire } = cluster;
    const own = { queues: this.#queues, moves: this.#moves, rounds: Math.ceil(24 / clients) };
    const all = Array.from({ length: clients }, (_, number) => {
      const name = `c${number}`;
      const parts = { name, number, nodes, wire, scheduler, pauseMs, rng: rng.fork(name) };
      return new MoveClient({ ...parts, ...own });
    });
    await cluster.runAll(all, workMsMax);
    await cluster.peace(settleMs);
  }

  /** Now that nothing fails any more, sweeping brings everything to its end; orphans take a day. */
  async converge(): Promise<void> {
    await this.#cluster.sweepAll(3, sweepPauseMs);
  }

  report(): MoveReport {
    const cluster = this.#cluster;
    for (const { name } of cluster.truth.objects(txnPrefix)) {
      cluster.violate("P11 progress", `${name} is never finished`);
    }
    const found: Found[] = cluster.truth.objects(messagePrefix).map(({ name, bytes }) => {
      const { message } = decodeMessage(name, bytes);
      const { place } = message.payload;
      const mark = place.kind === "inline" ? Buffer.from(place.bytes).toString() : "?";
      const messageId = name.split("/").at(-1) ?? "";
      return { messageId, mark, isStaged: message.staged !== undefined };
    });
    cluster.checkOutcomes();
    const moves = this.#moves;
    const checked = checkMoves({ moves, found }, this.#seeded, this.#delivered());
    const { traceHash, trace } = cluster.facts();
    return {
      ...{ seed: this.#seed, traceHash, trace, moves: moves.length },
      violations: [...cluster.violations, ...checked],
      committed: moves.filter(({ answered }) => answered === "commit").length,
    };
  }

  #delivered(): readonly string[] {
    return this.#cluster.wire.operations.flatMap(({ outcome }) => {
      if (outcome?.kind !== "ok" || !Array.isArray(outcome.answer)) return [];
      return (outcome.answer as { messageId: string }[]).map(({ messageId }) => messageId);
    });
  }
}

/**
 * A dequeue that is executed twice takes two messages in one transaction, of which its client knows
 * one: that is not what is looked at here. Lost and late requests are.
 */
function withoutDoubles(rates: ReadonlyMap<FaultKind, number>): ReadonlyMap<FaultKind, number> {
  return new Map([...rates].filter(([kind]) => kind !== "net-duplicate"));
}

/** Runs one seed to its end and checks it. */
export async function runMoveSeed(
  seed: number,
  options: { readonly mutant?: Mutant; readonly trace?: boolean } = {},
): Promise<MoveReport> {
  const uninstall = options.mutant?.install?.();
  try {
    const world = new MoveWorld(seed, options);
    await world.prepare();
    await world.work();
    await world.converge();
    return world.report();
  } finally {
    uninstall?.();
  }
}
