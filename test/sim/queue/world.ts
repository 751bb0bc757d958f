/** One run of the queue workload: nodes, clients, faults; then peace, and the checks. */
import { deadLetterPrefix, messagePrefix, partsOfName } from "../../../src/engine/queue/message.ts";
import { decodeMessage } from "../../../src/engine/queue/message-codec.ts";
import { Cluster } from "../cluster.ts";
import { type FaultKind, Faults } from "../faults.ts";
import type { Mutant } from "../mutant.ts";
import type { SimNode } from "../node.ts";
import { Rng } from "../rng.ts";
import { Scheduler } from "../scheduler.ts";
import { Trace } from "../trace.ts";
import type { Violation } from "../violation.ts";
import { QueueChecks } from "./checks.ts";
import { Consumer, dequeueCall, Producer, type SeenDelivery, settleCall } from "./clients.ts";
import type { QueueScenario } from "./scenario.ts";

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

/** Virtual milliseconds the clients get, what is hung after them, and the draining of a queue. */
const workMsMax = 30 * 60_000;
const settleMs = 90_000;
const drainMsMax = 10 * 60_000;
export class QueueWorld {
  readonly #scenario: QueueScenario;
  readonly #rng: Rng;
  readonly #scheduler: Scheduler;
  readonly #cluster: Cluster;

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
  }

  async work(): Promise<void> {
    const cluster = this.#cluster;
    cluster.disturb();
    const [scenario, scheduler] = [this.#scenario, this.#scheduler];
    const { nodes, wire } = cluster;
    const started = (name: string, Client: typeof Producer | typeof Consumer) => {
      const rng = this.#rng.fork(name);
      return new Client({ name, scenario, nodes, wire, scheduler, rng });
    };
    const { producers, consumers } = scenario;
    await cluster.runAll(
      [
        ...Array.from({ length: producers }, (_, at) => started(`p${at}`, Producer)),
        ...Array.from({ length: consumers }, (_, at) => started(`c${at}`, Consumer)),
      ],
      workMsMax,
    );
    await cluster.peace(settleMs);
  }

  /** Now that nothing fails any more, consumers at every node find everything there is. */
  async drain(): Promise<void> {
    const cluster = this.#cluster;
    const queues = Array.from({ length: this.#scenario.queues }, (_, queue) => `q${queue}`);
    const drains = queues.flatMap((queue) =>
      cluster.nodes.map((node) => ({ run: () => this.#drainAt(node, queue) })),
    );
    await cluster.runAll(drains, drainMsMax);
    await cluster.pass(10_000);
    cluster.checkTimers();
  }

  async #drainAt(node: SimNode, queue: string): Promise<void> {
    const ask = { waitSeconds: 30, pageSize: 5, visibilitySeconds: 10 };
    for (;;) {
      const outcome = await this.#cluster.wire.call(node, dequeueCall(queue, "drain", ask), 60_000);
      if (outcome.kind !== "ok") {
        if (outcome.kind === "failed" && outcome.code === "waiting") return;
        this.#cluster.violate("P11 progress", `draining ${queue}: ${JSON.stringify(outcome)}`);
        return;
      }
      for (const delivery of outcome.answer as readonly SeenDelivery[]) {
        await this.#cluster.wire.call(node, settleCall("ack", delivery, {}), 10_000);
      }
    }
  }

  report(): QueueReport {
    const cluster = this.#cluster;
    const { operations } = cluster.wire;
    const left = new Set<string>();
    for (const { name, bytes } of cluster.truth.objects(messagePrefix)) {
      const messageId = partsOfName(name)?.rest ?? name;
      left.add(messageId);
      // Whoever died while enqueueing leaves what nobody was told about.
      if (decodeMessage(name, bytes).message.unlinked) continue;
      cluster.violate("P11 progress", `${name} is never delivered`);
    }
    const letters = cluster.truth.objects(deadLetterPrefix);
    const dead = new Set(letters.map(({ name }) => partsOfName(name)?.rest ?? name));
    const checks = new QueueChecks(operations, this.#scenario.clockFaults);
    return {
      seed: this.#scenario.seed,
      violations: [...cluster.violations, ...checks.run({ dead, left })],
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
    await world.drain();
    return world.report();
  } finally {
    uninstall?.();
  }
}
