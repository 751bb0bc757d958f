/**
 * One run of the move workload: messages go from queue to queue in transactions, under faults and
 * crashes; then peace, and every message is where it was last moved to, once.
 */
import { messagePrefix } from "../../../src/engine/queue/message.ts";
import { decodeMessage } from "../../../src/engine/queue/message-codec.ts";
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

export class MoveWorld {
  readonly seed: number;
  readonly rng: Rng;
  readonly trace: Trace;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly truth = new StoreTruth();
  readonly wire: QueueWire;
  readonly nodes: readonly SimNode[];
  readonly queues: readonly string[];
  readonly seeded: string[] = [];
  readonly moves: Move[] = [];
  readonly violations: Violation[] = [];
  readonly #delivered: string[] = [];
  #heal: () => void = () => {};

  constructor(seed: number, options: { readonly mutant?: Mutant; readonly trace?: boolean }) {
    this.seed = seed;
    this.rng = new Rng(seed, "move world");
    const exclusive = this.rng.chance(0.45);
    const atomicPlan = this.rng.chance(0.5);
    this.queues = ["a", "b", "c"].slice(0, this.rng.pick([2, 3]));
    this.trace = new Trace(options.trace ?? false);
    this.scheduler = new Scheduler(this.rng.fork("ties"));
    const rates = drawFaults(this.rng.fork("rates"), { exclusive, clockFaults: false });
    this.faults = new Faults(this.rng.fork("faults"), withoutDoubles(rates));
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
          ...{ name: `n${number}`, number: number + 1, truth, exclusive, atomicPlan },
          ...{ scheduler, faults, trace, healed, clockFaults: false, mutant: options.mutant },
          rng: this.rng.fork(`node ${number}`),
          onPoint: () => {},
        }),
    );
  }

  /** Messages that were put in before anything fails. */
  async prepare(): Promise<void> {
    const { rng, queues, nodes, scheduler } = this;
    const [node] = nodes;
    if (node === undefined) return;
    for (let number = 0; number < rng.pick([1, 3, 6]); number += 1) {
      const mark = `s${number}`;
      const dedupeKey = mark;
      for (let time = 0; time < 20 && !this.seeded.includes(mark); time += 1) {
        const queue = rng.pick(queues.slice(0, 1));
        const request = { queue, dedupeKey, dedupeWindowSeconds: 86_400 };
        const putting = node.lockd.queues.enqueue(request, Buffer.from(mark));
        void putting.then(
          () => this.seeded.push(mark),
          () => {},
        );
        await scheduler.run(scheduler.now + 30_000, () => this.seeded.includes(mark));
      }
    }
  }

  async work(): Promise<void> {
    const { scheduler, wire, nodes, faults, queues, moves, rng } = this;
    const chaos = new Chaos({ nodes, network: wire, scheduler, faults, rng: rng.fork("chaos") });
    const clients = rng.pick([1, 2, 3, 4]);
    const pauseMs = rng.pick([5, 100, 400]);
    let running = clients;
    for (let number = 0; number < clients; number += 1) {
      const name = `c${number}`;
      const parts = { name, number, queues, nodes, wire, scheduler, moves, pauseMs };
      void new MoveClient({ ...parts, rng: rng.fork(name), rounds: Math.ceil(24 / clients) })
        .run()
        .then(() => {
          running -= 1;
        });
    }
    await scheduler.run(workMsMax, () => running === 0);
    if (running > 0) this.#violate("P11 progress", `${running} clients did not finish`);
    chaos.stop();
    this.#heal();
    await scheduler.run(scheduler.now + settleMs);
  }

  /** Now that nothing fails any more, sweeping brings everything to its end; orphans take a day. */
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
      await scheduler.run(scheduler.now + 13 * 3_600_000);
    }
  }

  report(): MoveReport {
    for (const { name } of this.truth.objects(txnPrefix)) {
      this.#violate("P11 progress", `${name} is never finished`);
    }
    const found: Found[] = this.truth.objects(messagePrefix).map(({ name, bytes }) => {
      const { message } = decodeMessage(name, bytes);
      const { place } = message.payload;
      const mark = place.kind === "inline" ? Buffer.from(place.bytes).toString() : "?";
      const messageId = name.split("/").at(-1) ?? "";
      return { messageId, mark, isStaged: message.staged !== undefined };
    });
    this.#readOperations();
    const { moves, seeded } = this;
    const checked = checkMoves({ moves, found }, seeded, this.#delivered);
    return {
      seed: this.seed,
      violations: [...this.violations, ...checked],
      traceHash: this.trace.hash,
      trace: this.trace.lines,
      moves: moves.length,
      committed: moves.filter(({ answered }) => answered === "commit").length,
    };
  }

  #readOperations(): void {
    for (const { outcome } of this.wire.operations) {
      if (outcome?.kind === "broken") this.#violate("P15 error codes", outcome.what);
      if (outcome?.kind !== "ok" || !Array.isArray(outcome.answer)) continue;
      for (const { messageId } of outcome.answer as { messageId: string }[]) {
        this.#delivered.push(messageId);
      }
    }
  }

  #violate(property: string, text: string): void {
    this.violations.push({ property, key: "", text, atMs: this.scheduler.now });
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
