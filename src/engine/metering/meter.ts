import { meterSeriesMax } from "../limits.ts";
import {
  type CounterSeries,
  type EngineCounter,
  type EngineHistogram,
  type HistogramSeries,
  histogramBounds,
  type MeterReader,
} from "../ports/metrics.ts";

interface Bucketed {
  readonly buckets: number[];
  sum: number;
  count: number;
}

/**
 * Counts and times what the engine does, from its start on; whoever shows metrics reads it when
 * asked. Adding costs two look-ups. A metric has at most {@link meterSeriesMax} series: a client
 * that invents names must not fill the memory.
 */
export class Meter implements MeterReader {
  readonly #counters = new Map<EngineCounter, Map<string, number>>();
  readonly #histograms = new Map<EngineHistogram, Map<string, Bucketed>>();

  /** `values`: of the metric's labels, in its order. */
  count(name: EngineCounter, values: readonly string[], by = 1): void {
    if (by === 0) return;
    const series = seriesOf(this.#counters, name);
    const key = boundedKey(series, values);
    series.set(key, (series.get(key) ?? 0) + by);
  }

  observe(name: EngineHistogram, values: readonly string[], value: number): void {
    const series = seriesOf(this.#histograms, name);
    const key = boundedKey(series, values);
    let bucketed = series.get(key);
    if (bucketed === undefined) {
      bucketed = { buckets: new Array(histogramBounds.length + 1).fill(0), sum: 0, count: 0 };
      series.set(key, bucketed);
    }
    const found = histogramBounds.findIndex((bound) => value <= bound);
    const at = found === -1 ? histogramBounds.length : found;
    bucketed.buckets[at] = (bucketed.buckets[at] ?? 0) + 1;
    bucketed.sum += value;
    bucketed.count += 1;
  }

  /** Sum over all series whose first labels have these values. */
  total(name: EngineCounter, ...values: readonly string[]): number {
    const fitting = this.counterSeries(name).filter((series) =>
      values.every((value, at) => series.values[at] === value),
    );
    return fitting.reduce((sum, { total }) => sum + total, 0);
  }

  counterSeries(name: EngineCounter): readonly CounterSeries[] {
    const series = [...(this.#counters.get(name) ?? [])];
    return series.map(([key, total]) => ({ values: valuesOf(key), total }));
  }

  histogramSeries(name: EngineHistogram): readonly HistogramSeries[] {
    const series = [...(this.#histograms.get(name) ?? [])];
    return series.map(([key, { buckets, sum, count }]) => ({
      ...{ values: valuesOf(key), buckets: [...buckets], sum, count },
    }));
  }
}

function seriesOf<Name, Value>(all: Map<Name, Map<string, Value>>, name: Name) {
  let series = all.get(name);
  if (series === undefined) {
    series = new Map<string, Value>();
    all.set(name, series);
  }
  return series;
}

/** Not a character of any label's value. */
const separator = "\u0000";

function boundedKey(series: ReadonlyMap<string, unknown>, values: readonly string[]): string {
  const key = values.length === 1 ? (values[0] ?? "") : values.join(separator);
  if (series.has(key) || series.size < meterSeriesMax) return key;
  return values.map(() => "_other").join(separator);
}

function valuesOf(key: string): readonly string[] {
  return key === "" ? [] : key.split(separator);
}
