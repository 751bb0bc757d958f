/** What a run of the queue workload looks like; drawn from its seed. */
import { drawFaults, type FaultKind } from "../faults.ts";
import { Rng } from "../rng.ts";

export interface QueueScenario {
  readonly seed: number;
  readonly exclusive: boolean;
  readonly atomicPlan: boolean;
  readonly nodes: number;
  readonly producers: number;
  readonly consumers: number;
  readonly queues: number;
  /** Ordered groups per queue; 0: none. */
  readonly groups: number;
  readonly dedupeShare: number;
  readonly messagesEach: number;
  readonly callsEach: number;
  readonly pauseMs: number;
  readonly clockFaults: boolean;
  readonly rates: ReadonlyMap<FaultKind, number>;
}

export function queueScenarioOf(seed: number): QueueScenario {
  const rng = new Rng(seed, "queue scenario");
  const exclusive = rng.chance(0.4);
  const clockFaults = rng.chance(0.25);
  const producers = rng.pick([1, 2, 2, 3]);
  const consumers = rng.pick([1, 2, 3, 4]);
  return {
    seed,
    exclusive,
    atomicPlan: rng.chance(0.5),
    nodes: exclusive ? 1 : rng.pick([1, 2, 2, 3]),
    producers,
    consumers,
    queues: rng.pick([1, 1, 2]),
    groups: rng.pick([0, 1, 2, 3]),
    dedupeShare: rng.pick([0, 0.3]),
    messagesEach: Math.ceil(rng.pick([16, 30, 50]) / producers),
    callsEach: Math.ceil(rng.pick([60, 100, 160]) / consumers),
    pauseMs: rng.pick([5, 50, 200]),
    clockFaults,
    rates: drawFaults(rng, { exclusive, clockFaults }),
  };
}

export function describeQueueScenario(scenario: QueueScenario): string {
  const { rates, ...rest } = scenario;
  const faults = [...rates].map(([kind, rate]) => `${kind}=${rate.toFixed(3)}`).join(" ");
  return `${JSON.stringify(rest)}\n  ${faults === "" ? "no faults" : faults}`;
}
