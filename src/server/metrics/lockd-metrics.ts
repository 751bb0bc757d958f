/**
 * The metrics of security-and-operations.md section 17 in a registry of their own. Loaded only when
 * somebody listens for them. What is there to be looked at is looked at when they are scraped.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { IndexMeasures, MeasureLabels } from "../../engine/ports/index-measures.ts";
import { histogramBounds } from "../../engine/ports/metrics.ts";
import { LabelValues } from "./label-values.ts";
import { type MetricName, type MetricRow, metricTable, prometheusName } from "./metric-table.ts";

type NamesOf<Kind extends MetricRow["kind"]> = {
  [Name in MetricName]: (typeof metricTable)[Name]["kind"] extends Kind ? Name : never;
}[MetricName];

export interface MetricsSettings {
  readonly version: string;
  /** Also heap, garbage collection and event loop of the runtime. */
  readonly profiling: boolean;
  readonly defaultNamespace: string;
}

export class LockdMetrics implements IndexMeasures {
  readonly registry = new Registry();
  readonly defaultNamespace: string;
  readonly #counters = new Map<string, Counter>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #namespaces = new LabelValues();
  readonly #queues = new LabelValues();
  readonly #looks: (() => Promise<void>)[] = [];
  #scrapes: Promise<unknown> = Promise.resolve();

  constructor(settings: MetricsSettings) {
    this.defaultNamespace = settings.defaultNamespace;
    for (const [name, row] of Object.entries(metricTable)) this.#declare(name, row);
    new Gauge({
      name: "target_info",
      help: "what this is",
      labelNames: ["service_name", "service_version"],
      registers: [this.registry],
    }).set({ service_name: "lockd", service_version: settings.version }, 1);
    if (settings.profiling) collectDefaultMetrics({ register: this.registry });
  }

  count(name: NamesOf<"counter">, by: number, labels: MeasureLabels): void {
    this.#counters.get(name)?.inc(this.#bounded(labels), by);
  }

  observe(name: NamesOf<"histogram">, value: number, labels: MeasureLabels): void {
    this.#histograms.get(name)?.observe(this.#bounded(labels), value);
  }

  gauge(name: NamesOf<"gauge">): Gauge {
    const gauge = this.#gauges.get(name);
    if (gauge === undefined) throw new RangeError(`there is no gauge ${name}`);
    return gauge;
  }

  /** Runs `look` before every scrape, to set gauges. */
  beforeScrape(look: () => Promise<void>): void {
    this.#looks.push(look);
  }

  /** The label values of a namespace as a caller gave it. */
  namespaceLabel(namespace: string | undefined): string {
    return this.#namespaces.of(namespace, this.defaultNamespace);
  }

  /** The labels of a queue as a caller gave them. */
  queueLabels(namespace: string | undefined, queue: string | undefined) {
    const first = this.namespaceLabel(namespace);
    return { lockd_namespace: first, lockd_queue: this.#queues.beside(first, queue, "_none") };
  }

  /** One scrape at a time: the format is a property of the registry. */
  text(openMetrics: boolean): Promise<{ readonly type: string; readonly body: string }> {
    const scrape = this.#scrapes.then(async () => {
      await Promise.all(this.#looks.map((look) => look()));
      const type = openMetrics
        ? Registry.OPENMETRICS_CONTENT_TYPE
        : Registry.PROMETHEUS_CONTENT_TYPE;
      this.registry.setContentType(type as typeof Registry.PROMETHEUS_CONTENT_TYPE);
      // In the open format the library takes the `_total` off the names of counters, for good.
      const named = this.registry.getMetricsAsArray() as unknown as { name: string }[];
      const names = named.map(({ name }) => name);
      try {
        return { type, body: await this.registry.metrics() };
      } finally {
        for (const [at, metric] of named.entries()) metric.name = names[at] ?? metric.name;
      }
    });
    this.#scrapes = scrape.catch(() => {});
    return scrape;
  }

  /** Namespaces come from callers, through the engine too. */
  #bounded(labels: MeasureLabels): MeasureLabels {
    const { lockd_namespace: namespace } = labels;
    if (namespace === undefined) return labels;
    return { ...labels, lockd_namespace: this.namespaceLabel(namespace) };
  }

  #declare(name: string, row: MetricRow): void {
    const { kind, labels, help } = row;
    const shared = {
      name: prometheusName(name, row),
      help,
      labelNames: [...labels],
      registers: [this.registry],
    };
    if (kind === "counter") this.#counters.set(name, new Counter(shared));
    else if (kind === "gauge") this.#gauges.set(name, new Gauge(shared));
    else {
      const buckets = [...(row.buckets ?? histogramBounds)];
      this.#histograms.set(name, new Histogram({ ...shared, buckets }));
    }
  }
}
