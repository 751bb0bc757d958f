/** What the engine counted and timed by itself, under the names of the contract. */
import { Counter, Histogram, type Registry } from "prom-client";
import {
  type EngineCounter,
  type EngineHistogram,
  engineCounters,
  engineHistograms,
  type HistogramSeries,
  histogramBounds,
  type MeterReader,
} from "../../engine/ports/metrics.ts";

/** Adds every metric of the engine; each scrape reads what the meter has by then. */
export function addEngineMetrics(registry: Registry, meter: MeterReader): void {
  for (const name of Object.keys(engineCounters) as EngineCounter[]) {
    addCounter(registry, meter, name);
  }
  for (const name of Object.keys(engineHistograms) as EngineHistogram[]) {
    registry.registerMetric(new MeteredHistogram(meter, name));
  }
}

/** `txn.apply.applied` -> `lockd_txn_apply_applied`. */
function promName(name: string): string {
  return `lockd_${name.replaceAll(".", "_")}`;
}

function labelled(labels: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label, at) => [promName(label), values[at] ?? ""]));
}

function addCounter(registry: Registry, meter: MeterReader, name: EngineCounter): void {
  const { labels, help } = engineCounters[name];
  new Counter({
    name: `${promName(name)}_total`,
    help,
    labelNames: labels.map(promName),
    registers: [registry],
    collect() {
      this.reset();
      for (const { values, total } of meter.counterSeries(name)) {
        this.inc(labelled(labels, values), total);
      }
    },
  });
}

type PromValue = Awaited<ReturnType<Histogram["get"]>>["values"][number];

/** A histogram that is kept elsewhere: the engine counts from its start, also what nobody asks. */
class MeteredHistogram extends Histogram {
  readonly #meter: MeterReader;
  readonly #source: EngineHistogram;
  readonly #name: string;

  constructor(meter: MeterReader, source: EngineHistogram) {
    const name = `${promName(source)}${source.endsWith("_ms") ? "_milliseconds" : ""}`;
    const { labels, help } = engineHistograms[source];
    const labelNames = labels.map(promName);
    super({ name, help, labelNames, buckets: [...histogramBounds], registers: [] });
    this.#meter = meter;
    this.#source = source;
    this.#name = name;
  }

  override async get(): ReturnType<Histogram["get"]> {
    const { labels } = engineHistograms[this.#source];
    const values = this.#meter
      .histogramSeries(this.#source)
      .flatMap((series) => this.#valuesOf(series, labelled(labels, series.values)));
    return { ...(await super.get()), values };
  }

  #valuesOf(series: HistogramSeries, labels: Record<string, string>): PromValue[] {
    const bounds: (number | string)[] = [...histogramBounds, "+Inf"];
    let sum = 0;
    const buckets = series.buckets.map((count, at) => {
      sum += count;
      const le = bounds[at] ?? "+Inf";
      return { metricName: `${this.#name}_bucket`, labels: { ...labels, le }, value: sum };
    });
    return [
      ...buckets,
      { metricName: `${this.#name}_sum`, labels, value: series.sum },
      { metricName: `${this.#name}_count`, labels, value: series.count },
    ];
  }
}
