/**
 * One run: a store, nodes, clients, links and faults, all drawn from one seed, and every check on
 * what happened.
 *
 * The fault model in one sentence: lockd keeps its safety promises under any mix of the faults of
 * `faults.ts` as long as the store keeps what it acknowledged as durable and its conditional writes
 * are atomic; progress needs the faults to stop.
 */
import { Beliefs } from "./beliefs.ts";
import { Chaos } from "./chaos.ts";
import { type CheckSummary, checkHistory } from "./checks.ts";
import { Client } from "./client.ts";
import { converge } from "./convergence.ts";
import { type FaultKind, Faults } from "./faults.ts";
import { describeOperation, History } from "./history.ts";
import type { Mutant } from "./mutant.ts";
import { Network } from "./network.ts";
import { SimNode } from "./node.ts";
import { Rng } from "./rng.ts";
import type { Scenario } from "./scenario.ts";
import { Scheduler } from "./scheduler.ts";
import { StoreTruth } from "./store-truth.ts";
import { Trace } from "./trace.ts";
import type { Violation } from "./violation.ts";

export interface RunOptions {
  readonly mutant?: Mutant | undefined;
  /** Keep the text of the trace. */
  readonly trace?: boolean;
  /** Called between two steps of a store write. */
  readonly onPoint?: (node: SimNode, point: string) => void;
}

export interface RunReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly history: readonly string[];
  /** Calls executed by engines. */
  readonly operations: number;
  /** Calls of engines to their stores. */
  readonly storeCalls: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly checks: CheckSummary;
  /** Holders' writes the fenced register refused. */
  readonly fenced: number;
}

/** Virtual milliseconds the clients get to finish their programs, faults included. */
export const workMsMax = 30 * 60_000;

export class World {
  readonly scenario: Scenario;
  readonly trace: Trace;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly history: History;
  readonly truth = new StoreTruth();
  readonly network: Network;
  readonly beliefs = new Beliefs();
  readonly nodes: readonly SimNode[];
  readonly rng: Rng;
  readonly violations: Violation[] = [];
  readonly keys: readonly string[];
  #heal: () => void = () => {};

  constructor(scenario: Scenario, options: RunOptions = {}) {
    this.scenario = scenario;
    this.rng = new Rng(scenario.seed, "world");
    this.trace = new Trace(options.trace ?? false);
    this.scheduler = new Scheduler(this.rng.fork("ties"));
    this.faults = new Faults(this.rng.fork("faults"), scenario.rates);
    this.history = new History(this.scheduler);
    const { scheduler, faults, trace, history, truth } = this;
    const rng = this.rng.fork("network");
    this.network = new Network({ scheduler, faults, rng, trace, history });
    this.keys = Array.from({ length: scenario.keys }, (_, at) => `k${at}`);
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
          scheduler,
          faults,
          rng: this.rng.fork(`node ${number}`),
          trace,
          healed,
          onPoint: options.onPoint ?? (() => {}),
          clockFaults: scenario.clockFaults,
          mutant: options.mutant,
        }),
    );
  }

  violate(property: string, key: string, text: string): void {
    this.violations.push({ property, key, text, atMs: this.scheduler.now });
  }

  /** Lets the clients do their work among faults, then stops the faults. */
  async work(): Promise<void> {
    const { scheduler, network, nodes, beliefs, scenario, keys } = this;
    const { faults } = this;
    const chaos = new Chaos({ nodes, network, scheduler, faults, rng: this.rng.fork("chaos") });
    let running = scenario.clients;
    for (let number = 0; number < scenario.clients; number += 1) {
      const client = new Client({
        name: `c${number}`,
        keys,
        nodes,
        network,
        scheduler,
        rng: this.rng.fork(`client ${number}`),
        beliefs,
        callsMax: scenario.callsEach,
        clockFaults: scenario.clockFaults,
        files: scenario.files,
        pauseMs: scenario.pauseMs,
      });
      void client.run().then(() => {
        running -= 1;
      });
    }
    await scheduler.run(workMsMax, () => running === 0);
    if (running > 0) this.violate("P11 progress", "", `${running} clients did not finish`);
    chaos.stop();
    this.#heal();
  }

  report(checks: CheckSummary): RunReport {
    const { scheduler, history, trace } = this;
    return {
      seed: this.scenario.seed,
      violations: this.violations,
      traceHash: trace.hash,
      trace: trace.lines,
      history: this.violations.length === 0 ? [] : history.operations.map(describeOperation),
      operations: history.operations.length,
      storeCalls: this.nodes.reduce((sum, node) => sum + node.storeCalls, 0),
      events: scheduler.ran,
      virtualMs: scheduler.now,
      faults: this.faults.counts,
      checks,
      fenced: this.beliefs.refused,
    };
  }
}

/** Runs one seed to its end and checks it. */
export async function runScenario(
  scenario: Scenario,
  options: RunOptions = {},
): Promise<RunReport> {
  const uninstall = options.mutant?.install?.();
  try {
    const world = new World(scenario, options);
    await world.work();
    await converge(world);
    return world.report(checkHistory(world));
  } finally {
    uninstall?.();
  }
}
