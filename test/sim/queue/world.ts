/** One run of the queue workload: nodes, clients, faults; then peace, and the checks. */
import { Cluster } from "../cluster.ts";
import { type FaultKind, Faults } from "../faults.ts";
import type { Mutant } from "../mutant.ts";
import { Rng } from "../rng.ts";
import { Scheduler } from "../scheduler.ts";
import { Trace } from "../trace.ts";
import type { Violation } from "../violation.ts";
import { Aftermath } from "./aftermath.ts";
import { type FinalState, QueueChecks } from "./checks.ts";
import { Consumer, Producer } from "./clients.ts";
import { QueueHistory } from "./history.ts";
import { Keeper } from "./keeper.ts";
import { QueueLedger } from "./ledger.ts";
import { isCalm, type QueueScenario } from "./scenario.ts";
import { StreamWatch } from "./stream-watch.ts";
import { Subscriber } from "./subscriber.ts";
import type { ClientParts } from "./worker.ts";

export interface QueueReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly operations: number;
  readonly storeCalls: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly delivered: number;
}

/** Virtual milliseconds the clients get, and what is hung after them. */
const workMsMax = 30 * 60_000;
const settleMs = 90_000;

export class QueueWorld {
  readonly #scenario: QueueScenario;
  readonly #rng: Rng;
  readonly #scheduler: Scheduler;
  readonly #cluster: Cluster;
  readonly #ledger: QueueLedger;
  readonly #aftermath: Aftermath;
  #final: FinalState = { dead: new Set(), left: new Set() };

  constructor(scenario: QueueScenario, options: { mutant?: Mutant; trace?: boolean }) {
    this.#scenario = scenario;
    const rng = new Rng(scenario.seed, "queue world");
    this.#rng = rng;
    const trace = new Trace(options.trace ?? false);
    const scheduler = new Scheduler(rng.fork("ties"));
    this.#scheduler = scheduler;
    const faults = new Faults(rng.fork("faults"), scenario.rates);
    const { exclusive, atomicPlan, clockFaults, nodes } = scenario;
    const kind = { exclusive, atomicPlan, clockFaults, nodes, mutant: options.mutant };
    this.#cluster = new Cluster({ rng, scheduler, faults, trace, ...kind });
    this.#ledger = new QueueLedger(this.#cluster.truth, scheduler);
    const queues = Array.from({ length: scenario.queues }, (_, queue) => `q${queue}`);
    this.#aftermath = new Aftermath(this.#cluster, queues);
  }

  async work(): Promise<void> {
    const cluster = this.#cluster;
    cluster.disturb();
    const { producers, consumers, extras } = this.#scenario;
    const streams = new StreamWatch(
      { truth: cluster.truth, scheduler: this.#scheduler },
      (text) => isCalm(this.#scenario) && cluster.violate("P08 given back", text),
    );
    const closed = streams.closed.bind(streams);
    await cluster.runAll(
      [
        ...this.#started("p", producers, (parts) => new Producer(parts)),
        ...this.#started("c", consumers, (parts) => new Consumer(parts)),
        ...this.#started("s", extras.subscribers, (parts) => new Subscriber({ ...parts, closed })),
        ...this.#started("k", extras.keepers, (parts) => new Keeper(parts)),
      ],
      workMsMax,
    );
    await cluster.peace(settleMs);
  }

  #started<Client>(
    letter: string,
    count: number,
    make: (parts: ClientParts) => Client,
  ): readonly Client[] {
    const [scenario, scheduler] = [this.#scenario, this.#scheduler];
    const { nodes, wire } = this.#cluster;
    return Array.from({ length: count }, (_, at) => {
      const name = `${letter}${at}`;
      return make({ name, scenario, nodes, wire, scheduler, rng: this.#rng.fork(name) });
    });
  }

  async settle(): Promise<void> {
    await this.#aftermath.drain();
    this.#final = this.#aftermath.inventory();
    if (!this.#scenario.extras.any) return;
    await this.#aftermath.redriveAll(this.#ledger);
    await this.#aftermath.leaveNothing();
  }

  report(): QueueReport {
    const cluster = this.#cluster;
    const { operations } = cluster.wire;
    const { clockFaults, atomicPlan, exclusive, seed } = this.#scenario;
    const checks = new QueueChecks({
      history: new QueueHistory(operations),
      ledger: this.#ledger,
      final: this.#final,
      ...{ clockFaults, atomicPlan, exclusive, calm: isCalm(this.#scenario) },
    });
    return {
      seed,
      violations: [...cluster.violations, ...checks.run()],
      ...cluster.facts(),
      delivered: operations.filter(
        ({ verb, outcome }) => verb === "dequeue" && outcome?.kind === "ok",
      ).length,
    };
  }
}

/** Runs one seed to its end and checks it. */
export async function runQueueScenario(
  scenario: QueueScenario,
  options: { mutant?: Mutant; trace?: boolean } = {},
): Promise<QueueReport> {
  const uninstall = options.mutant?.install?.();
  try {
    const world = new QueueWorld(scenario, options);
    await world.work();
    await world.settle();
    return world.report();
  } finally {
    uninstall?.();
  }
}
