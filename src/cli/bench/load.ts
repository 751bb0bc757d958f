/** Clients that repeat something for a while, and how long each time took. */

/** Times kept of one measure; further ones are only counted. */
const samplesMax = 1_000_000;

export interface LoadOptions {
  readonly clients: number;
  readonly ms: number;
  readonly signal: AbortSignal;
  /** Once; the number is the client's, from 0. */
  readonly once: (client: number) => Promise<void>;
}

export interface Load {
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * Every client does it once before the time begins. A failure of one ends all; what is under way
 * is finished first, also when the signal comes, so that nothing is left half done.
 * @throws the first failure, or the signal's reason
 */
export async function load({ clients, ms, signal, once }: LoadOptions): Promise<Load> {
  const times: number[] = [];
  let count = 0;
  let failed = false;
  const each = async (work: (client: number) => Promise<void>): Promise<void> => {
    const all = Array.from({ length: clients }, async (_, client) => {
      try {
        await work(client);
      } catch (error) {
        failed = true;
        throw error;
      }
    });
    const ended = await Promise.allSettled(all);
    for (const one of ended) if (one.status === "rejected") throw one.reason;
    signal.throwIfAborted();
  };
  await each(once);
  const startedAt = performance.now();
  await each(async (client) => {
    while (!failed && !signal.aborted && performance.now() - startedAt < ms) {
      const beganAt = performance.now();
      await once(client);
      count += 1;
      if (times.length < samplesMax) times.push(performance.now() - beganAt);
    }
  });
  return loadOf(times, count, performance.now() - startedAt);
}

export function loadOf(times: readonly number[], count: number, elapsedMs: number): Load {
  const sorted = Float64Array.from(times).sort();
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return {
    count,
    perSecond: elapsedMs > 0 ? (count * 1000) / elapsedMs : 0,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}
