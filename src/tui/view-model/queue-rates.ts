/** How fast messages come and go, from what is counted between two looks. */
import { rateSamplesMax } from "../limits.ts";
import type { Look } from "../source/dashboard-source.ts";
import type { QueueTally } from "./events.ts";

export interface QueueRates {
  /** Counted since the last look. */
  readonly in: number;
  readonly out: number;
  /** Per second between the last two looks; undefined before there were two. */
  readonly inRate: number | undefined;
  readonly outRate: number | undefined;
  /** Messages in and out per second, oldest first. */
  readonly samples: readonly number[];
}

const noRates: QueueRates = { in: 0, out: 0, inRate: undefined, outRate: undefined, samples: [] };

type RateMap = ReadonlyMap<string, QueueRates>;

export function queueId(queue: { readonly namespace: string; readonly queue: string }): string {
  return `${queue.namespace}/${queue.queue}`;
}

/** Adds what happened. */
export function counted(rates: RateMap, tally: ReadonlyMap<string, QueueTally>): RateMap {
  if (tally.size === 0) return rates;
  const next = new Map(rates);
  for (const [id, more] of tally) {
    const before = next.get(id) ?? noRates;
    next.set(id, { ...before, in: before.in + more.in, out: before.out + more.out });
  }
  return next;
}

/** Closes the time between two looks; queues that are gone are forgotten. */
export function sampled(rates: RateMap, look: Look, sinceMs: number | undefined): RateMap {
  const next = new Map<string, QueueRates>();
  for (const queue of look.queues) {
    const id = queueId(queue);
    const before = rates.get(id) ?? noRates;
    if (sinceMs === undefined || sinceMs <= 0) {
      next.set(id, before);
      continue;
    }
    const inRate = (before.in * 1000) / sinceMs;
    const outRate = (before.out * 1000) / sinceMs;
    const samples = [...before.samples, inRate + outRate].slice(-rateSamplesMax);
    next.set(id, { in: 0, out: 0, inRate, outRate, samples });
  }
  return next;
}
