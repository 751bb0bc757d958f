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
  readonly extras: QueueExtras;
  readonly rates: ReadonlyMap<FaultKind, number>;
}

/** What a run does beyond enqueue, dequeue and settle; each run leaves out some of it. */
export interface QueueExtras {
  /** Of the messages, those with a time to live, and those with a limit of deliveries. */
  readonly ttlShare: number;
  readonly limitShare: number;
  /** Of the dequeues, those that ask for the state of the message. */
  readonly stateShare: number;
  readonly subscribers: number;
  /** Clients that look after the dead letters. */
  readonly keepers: number;
  /** False for seeds from before there was any of it. */
  readonly any: boolean;
}

/** Lower seeds were kept before there was any of it, and go on replaying what they found. */
const firstSeedWithExtras = 100_000;
const noExtras: QueueExtras = {
  ...{ ttlShare: 0, limitShare: 0, stateShare: 0 },
  ...{ subscribers: 0, keepers: 0, any: false },
};

function extrasOf(seed: number): QueueExtras {
  if (seed < firstSeedWithExtras) return noExtras;
  const rng = new Rng(seed, "queue extras");
  return {
    ttlShare: rng.pick([0, 0.3, 0.7]),
    limitShare: rng.pick([0, 0.3]),
    stateShare: rng.pick([0, 0.5, 1]),
    subscribers: rng.pick([0, 1, 2]),
    keepers: rng.pick([0, 1, 2]),
    any: true,
  };
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
    extras: extrasOf(seed),
    rates: drawFaults(rng, { exclusive, clockFaults }),
  };
}

/** True when the store does what it is asked, and no node fails or has the wrong time. */
export function isCalm({ rates, clockFaults }: QueueScenario): boolean {
  const troubles = [...rates.keys()].filter((kind) => kind !== "store-unsynced-lost");
  return !clockFaults && !troubles.some((kind) => /^(store|node)-/.test(kind));
}

export function describeQueueScenario(scenario: QueueScenario): string {
  const { rates, ...rest } = scenario;
  const faults = [...rates].map(([kind, rate]) => `${kind}=${rate.toFixed(3)}`).join(" ");
  return `${JSON.stringify(rest)}\n  ${faults === "" ? "no faults" : faults}`;
}
