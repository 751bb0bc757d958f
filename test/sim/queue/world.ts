/** One run of the queue workload: nodes, clients, faults; then peace, and the checks. */
import { deadLetterPrefix, messagePrefix, partsOfName } from "../../../src/engine/queue/message.ts";
import { decodeMessage } from "../../../src/engine/queue/message-codec.ts";
import { Chaos } from "../chaos.ts";
import { type FaultKind, Faults } from "../faults.ts";
import type { Mutant } from "../mutant.ts";
import { SimNode } from "../node.ts";
import { Rng } from "../rng.ts";
import { Scheduler } from "../scheduler.ts";
import { StoreTruth } from "../store-truth.ts";
import { Trace } from "../trace.ts";
import type { Violation } from "../violation.ts";
import { QueueChecks } from "./checks.ts";
import { Consumer, dequeueCall, Producer, type SeenDelivery, settleCall } from "./clients.ts";
import type { QueueScenario } from "./scenario.ts";
import { QueueWire } from "./wire.ts";

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
/** Longest jumps of clocks, both ways: what was delayed by a clock that was ahead. */
const jumpMsMax = 86_400_000 * 30;

export class QueueWorld {
  readonly scenario: QueueScenario;
  readonly rng: Rng;
  readonly trace: Trace;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly truth = new StoreTruth();
  readonly wire: QueueWire;
  readonly nodes: readonly SimNode[];
  readonly violations: Violation[] = [];
  #heal: () => void = () => {};

  constructor(scenario: QueueScenario, options: { mutant?: Mutant; trace?: boolean }) {
    this.scenario = scenario;
    this.rng = new Rng(scenario.seed, "queue world");
    this.trace = new Trace(options.trace ?? false);
    this.scheduler = new Scheduler(this.rng.fork("ties"));
    this.faults = new Faults(this.rng.fork("faults"), scenario.rates);
    const { scheduler, faults, trace, truth } = this;
    this.wire = new QueueWire({ scheduler, faults, rng: this.rng.fork("network"), trace });
    const healed = new Promise<void>((resolve) => {
      this.#heal = resolve;
    });
    this.nodes = Array.from(
      { length: scenario.nodes },
      (_, number) =>
        new SimNode({
          name: `n${number}`,
          number: number + 1,
          truth,
          exclusive: scenario.exclusive,
          atomicPlan: scenario.atomicPlan,
          scheduler,
          faults,
          rng: this.rng.fork(`node ${number}`),
          trace,
          healed,
          onPoint: () => {},
          clockFaults: scenario.clockFaults,
          mutant: options.mutant,
        }),
    );
  }

  async work(): Promise<void> {
    const { scheduler, wire, nodes, faults, scenario } = this;
    const chaos = new Chaos({
      nodes,
      network: wire,
      scheduler,
      faults,
      rng: this.rng.fork("chaos"),
    });
    let running = scenario.producers + scenario.consumers;
    const start = (name: string, Client: typeof Producer | typeof Consumer): void => {
      const rng = this.rng.fork(name);
      const client = new Client({ name, scenario, nodes, wire, scheduler, rng });
      void client.run().then(() => {
        running -= 1;
      });
    };
    for (let at = 0; at < scenario.producers; at += 1) start(`p${at}`, Producer);
    for (let at = 0; at < scenario.consumers; at += 1) start(`c${at}`, Consumer);
    await scheduler.run(workMsMax, () => running === 0);
    if (running > 0) this.#violate("P11 progress", `${running} clients did not finish`);
    chaos.stop();
    this.#heal();
    await scheduler.run(scheduler.now + settleMs);
    if (wire.executing > 0) {
      this.#violate("P11 progress", `${wire.executing} calls are never answered`);
    }
    if (scenario.clockFaults) await scheduler.run(scheduler.now + jumpMsMax);
  }

  /** Now that nothing fails any more, consumers at every node find everything there is. */
  async drain(): Promise<void> {
    const { scheduler, nodes, scenario } = this;
    let running = 0;
    const until = scheduler.now + drainMsMax;
    for (let queue = 0; queue < scenario.queues; queue += 1) {
      for (const node of nodes) {
        running += 1;
        void this.#drainAt(node, `q${queue}`).then(() => {
          running -= 1;
        });
      }
    }
    await scheduler.run(until, () => running === 0);
    if (running > 0) this.#violate("P11 progress", "a queue can not be drained");
    await scheduler.run(scheduler.now + 10_000);
    for (const node of nodes) {
      if (node.timers > 0) this.#violate("P12 bounded", `${node.name} keeps ${node.timers} timers`);
    }
  }

  async #drainAt(node: SimNode, queue: string): Promise<void> {
    const ask = { waitSeconds: 30, pageSize: 5, visibilitySeconds: 10 };
    for (;;) {
      const outcome = await this.wire.call(node, dequeueCall(queue, "drain", ask), 60_000);
      if (outcome.kind !== "ok") {
        if (outcome.kind === "failed" && outcome.code === "waiting") return;
        this.#violate("P11 progress", `draining ${queue}: ${JSON.stringify(outcome)}`);
        return;
      }
      for (const delivery of outcome.answer as readonly SeenDelivery[]) {
        await this.wire.call(node, settleCall("ack", delivery, {}), 10_000);
      }
    }
  }

  report(): QueueReport {
    const { operations } = this.wire;
    const left = new Set<string>();
    for (const { name, bytes } of this.truth.objects(messagePrefix)) {
      const messageId = partsOfName(name)?.rest ?? name;
      left.add(messageId);
      // Whoever died while enqueueing leaves what nobody was told about.
      if (decodeMessage(name, bytes).message.unlinked) continue;
      this.#violate("P11 progress", `${name} is never delivered`);
    }
    const dead = new Set(
      this.truth.objects(deadLetterPrefix).map(({ name }) => partsOfName(name)?.rest ?? name),
    );
    const checks = new QueueChecks(operations, this.scenario.clockFaults);
    this.violations.push(...checks.run({ dead, left }));
    return {
      seed: this.scenario.seed,
      violations: this.violations,
      traceHash: this.trace.hash,
      trace: this.trace.lines,
      operations: operations.length,
      storeCalls: this.nodes.reduce((sum, node) => sum + node.storeCalls, 0),
      faults: this.faults.counts,
      delivered: operations.filter(
        ({ verb, outcome }) => verb === "dequeue" && outcome?.kind === "ok",
      ).length,
    };
  }

  #violate(property: string, text: string): void {
    this.violations.push({ property, key: "", text, atMs: this.scheduler.now });
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
