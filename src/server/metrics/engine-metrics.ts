/** What the engine counted and timed by itself, under the names of the contract. */
import { Counter, type Histogram, type Registry } from "prom-client";
import {
  type EngineCounter,
  type EngineHistogram,
  engineCounters,
  engineHistograms,
  type HistogramSeries,
  histogramBounds,
  type MeterReader,
} from "../../engine/ports/metrics.ts";
import { prometheusName } from "./metric-table.ts";

/** Adds every metric of the engine; each scrape reads what the meter has by then. */
export function addEngineMetrics(registry: Registry, meter: MeterReader): void {
  for (const name of Object.keys(engineCounters) as EngineCounter[]) {
    addCounter(registry, meter, name);
  }
  for (const name of Object.keys(engineHistograms) as EngineHistogram[]) {
    addHistogram(registry, meter, name);
  }
}

/** `txn.state` -> `lockd_txn_state`. */
function labelName(label: string): string {
  return `lockd_${label.replaceAll(".", "_")}`;
}

function labelled(labels: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label, at) => [labelName(label), values[at] ?? ""]));
}

function addCounter(registry: Registry, meter: MeterReader, name: EngineCounter): void {
  const { labels, help } = engineCounters[name];
  new Counter({
    name: prometheusName(`lockd.${name}`, { kind: "counter" }),
    help,
    labelNames: labels.map(labelName),
    registers: [registry],
    collect() {
      this.reset();
      for (const { values, total } of meter.counterSeries(name)) {
        this.inc(labelled(labels, values), total);
      }
    },
  });
}

/**
 * A histogram that is kept elsewhere: the engine counts from its start, also what nobody asks. For
 * the registry it is whatever has a name and answers `get`.
 */
function addHistogram(registry: Registry, meter: MeterReader, name: EngineHistogram): void {
  const { labels, help } = engineHistograms[name];
  const unit = name.endsWith("_ms") ? { unit: "ms" as const } : {};
  const prefix = prometheusName(`lockd.${name}`, { kind: "histogram", ...unit });
  const metric = {
    ...{ name: prefix, help, type: "histogram", aggregator: "sum" },
    reset() {},
    async get() {
      const values = meter
        .histogramSeries(name)
        .flatMap((series) => valuesOf(prefix, series, labelled(labels, series.values)));
      return { name: prefix, help, type: "histogram", aggregator: "sum", values };
    },
  };
  registry.registerMetric(metric as unknown as Histogram);
}

function valuesOf(prefix: string, series: HistogramSeries, labels: Record<string, string>) {
  let sum = 0;
  const buckets = series.buckets.map((count, at) => {
    sum += count;
    const le = String(histogramBounds[at] ?? "+Inf");
    return { metricName: `${prefix}_bucket`, labels: { le, ...labels }, value: sum };
  });
  return [
    ...buckets,
    { metricName: `${prefix}_sum`, labels, value: series.sum },
    { metricName: `${prefix}_count`, labels, value: series.count },
  ];
}
