/** Does memory grow? Pure. */

export interface Sample {
  /** Milliseconds since the load began. */
  readonly atMs: number;
  readonly bytes: number;
}

/** Caches fill and code is compiled first: this share of the time says nothing. */
const warmUpShare = 0.3;

const hourMs = 3_600_000;

/**
 * Per cent of its mean by which the quantity grows in an hour, by the line of least squares through
 * the samples after the warm-up; undefined when there are too few.
 */
export function slopePerHour(samples: readonly Sample[]): number | undefined {
  const points = warmed(samples);
  if (points.length < 3) return undefined;
  const meanAt = mean(points.map(({ atMs }) => atMs));
  const meanBytes = mean(points.map(({ bytes }) => bytes));
  let covariance = 0;
  let variance = 0;
  for (const { atMs, bytes } of points) {
    covariance += (atMs - meanAt) * (bytes - meanBytes);
    variance += (atMs - meanAt) ** 2;
  }
  return variance === 0 ? undefined : ((covariance / variance) * hourMs * 100) / meanBytes;
}

/** How many times as large the median of the later half is as that of the earlier half. */
export function growth(samples: readonly Sample[]): number {
  const bytes = warmed(samples).map((sample) => sample.bytes);
  const half = Math.floor(bytes.length / 2);
  return median(bytes.slice(half)) / median(bytes.slice(0, half));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function warmed(samples: readonly Sample[]): readonly Sample[] {
  const end = samples.at(-1)?.atMs ?? 0;
  return samples.filter(({ atMs }) => atMs >= end * warmUpShare);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
