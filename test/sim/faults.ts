/** The faults a run may inject: which kinds, how often, and how many really happened. */
import type { Rng } from "./rng.ts";

export const faultKinds = [
  // The store, seen from one node.
  "store-full",
  "store-unavailable",
  "store-request-lost",
  "store-answer-lost",
  "store-write-late",
  "store-write-slow",
  "store-hang",
  "store-conflict-retry",
  "store-read-unavailable",
  "store-read-slow",
  "store-stream-broken",
  "store-unsynced-lost",
  // The links between clients and nodes.
  "net-request-lost",
  "net-reply-lost",
  "net-duplicate",
  "net-slow",
  "net-partition-to-node",
  "net-partition-to-client",
  "client-gone",
  // Nodes and their clocks.
  "node-crash",
  "node-pause",
  "clock-jump",
  "clock-drift",
] as const;

export type FaultKind = (typeof faultKinds)[number];

export type FaultRates = Readonly<Record<FaultKind, number>>;

/** Probability of one event; for nodes, clocks and partitions: of one look at a node a second. */
const usualRates: FaultRates = {
  "store-full": 0.02,
  "store-unavailable": 0.03,
  "store-request-lost": 0.04,
  "store-answer-lost": 0.04,
  "store-write-late": 0.03,
  "store-write-slow": 0.03,
  "store-hang": 0.004,
  "store-conflict-retry": 0.03,
  "store-read-unavailable": 0.06,
  "store-read-slow": 0.03,
  "store-stream-broken": 0.1,
  "store-unsynced-lost": 1,
  "net-request-lost": 0.03,
  "net-reply-lost": 0.03,
  "net-duplicate": 0.04,
  "net-slow": 0.05,
  "net-partition-to-node": 0.02,
  "net-partition-to-client": 0.02,
  "client-gone": 0.05,
  "node-crash": 0.05,
  "node-pause": 0.04,
  "clock-jump": 0.05,
  "clock-drift": 1,
};

const clockKinds: ReadonlySet<FaultKind> = new Set(["clock-jump", "clock-drift"]);
/** What only an exclusive store (one process, its own disk) or only a shared one can do. */
const exclusiveOnly: ReadonlySet<FaultKind> = new Set(["store-unsynced-lost"]);
const sharedOnly: ReadonlySet<FaultKind> = new Set(["store-write-late", "store-conflict-retry"]);

export class Faults {
  readonly #rng: Rng;
  readonly counts = new Map<FaultKind, number>();
  #rates: Map<FaultKind, number>;

  constructor(rng: Rng, rates: ReadonlyMap<FaultKind, number>) {
    this.#rng = rng;
    this.#rates = new Map(rates);
  }

  /** True when the fault happens now; counted. */
  strikes(kind: FaultKind): boolean {
    const rate = this.#rates.get(kind) ?? 0;
    if (rate === 0 || !this.#rng.chance(rate)) return false;
    this.count(kind);
    return true;
  }

  count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  isEnabled(kind: FaultKind): boolean {
    return (this.#rates.get(kind) ?? 0) > 0;
  }

  /** From now on nothing fails any more. */
  stop(): void {
    this.#rates = new Map();
  }
}

/**
 * Swarm testing: each run enables its own subset of the faults, some runs none at all, so that no
 * fault hides what another would show.
 */
export function drawFaults(
  rng: Rng,
  run: { readonly exclusive: boolean; readonly clockFaults: boolean },
): ReadonlyMap<FaultKind, number> {
  const rates = new Map<FaultKind, number>();
  const share = rng.pick([0, 0.3, 0.5, 0.5, 0.8, 1]);
  for (const kind of faultKinds) {
    const enabled = rng.chance(share);
    const strength = rng.pick([0.3, 1, 1, 2.5]);
    if (clockKinds.has(kind) && !run.clockFaults) continue;
    if (exclusiveOnly.has(kind) && !run.exclusive) continue;
    if (sharedOnly.has(kind) && run.exclusive) continue;
    // A disk that forgets what was not synced is the normal case, not a fault to leave out.
    if (enabled || kind === "store-unsynced-lost") {
      rates.set(kind, Math.min(1, usualRates[kind] * strength));
    }
  }
  return rates;
}
