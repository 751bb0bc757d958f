/** Spans to an OTLP collector. Loaded only when one was named. */
import {
  type Attributes,
  type Context,
  createContextKey,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  CompositePropagator,
  type ExportResult,
  ExportResultCode,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Telemetry } from "../../engine/ports/telemetry.ts";
import type { RunningSpan, SpanStart, Tracing } from "../../engine/ports/tracing.ts";
import { GrpcSpanExporter } from "./grpc-exporter.ts";
import type { OtlpEndpoint } from "./otlp-endpoint.ts";

/** Milliseconds one batch may take (security-and-operations.md section 18). */
const exportTimeoutMs = 10_000;

/** Milliseconds for what is left when the server ends; a dead collector must not hold it up. */
const stopMsMax = 5_000;

/** Milliseconds between two batches, unless one is full before. */
const batchMs = 2_000;

export interface TracingOptions {
  readonly endpoint: OtlpEndpoint;
  readonly version: string;
  readonly telemetry: Telemetry;
}

export function openTracing(options: TracingOptions): Tracing {
  return new OtlpTracing(options);
}

const kinds = {
  server: SpanKind.SERVER,
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
} as const;

const correlationKey = createContextKey("lockd correlation id");

type Headers = NonNullable<SpanStart["headers"]>;

const fromHeaders: TextMapGetter<Headers> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, name) => {
    const value = headers[name];
    return typeof value === "string" || value === undefined ? value : [...value];
  },
};

class OtlpTracing implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: ReturnType<TracerProvider["getTracer"]>;
  readonly #contexts = new AsyncLocalStorageContextManager().enable();
  readonly #propagator = new CompositePropagator({
    propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
  });

  constructor({ endpoint, version, telemetry }: TracingOptions) {
    const exporter = new ToldExporter(exporterOf(endpoint), telemetry);
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ "service.name": "lockd", "service.version": version }),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter,
          exportTimeoutMillis: exportTimeoutMs,
          scheduledDelayMillis: batchMs,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer("lockd", version);
  }

  async within<T>(start: SpanStart, work: (span: RunningSpan) => Promise<T>): Promise<T> {
    const { name, headers, correlationId } = start;
    const parent =
      headers === undefined
        ? this.#contexts.active()
        : this.#propagator.extract(ROOT_CONTEXT, headers, fromHeaders);
    const attributes: Attributes = { ...start.attributes };
    const span = this.#tracer.startSpan(name, { kind: kinds[start.kind], attributes }, parent);
    let context: Context = trace.setSpan(parent, span);
    if (correlationId !== undefined) context = context.setValue(correlationKey, correlationId);
    try {
      return await this.#contexts.with(context, () => work(runningSpan(span)));
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  active() {
    const context = this.#contexts.active();
    const running = trace.getSpan(context);
    // Timers and the like keep the context they were made in, beyond the end of its span.
    if (running?.isRecording() !== true) return undefined;
    const span = running.spanContext();
    const correlationId = context.getValue(correlationKey);
    return {
      traceId: span.traceId,
      spanId: span.spanId,
      correlationId: typeof correlationId === "string" ? correlationId : undefined,
    };
  }

  async stop(): Promise<void> {
    const enough = Promise.withResolvers<void>();
    const timer = setTimeout(enough.resolve, stopMsMax);
    const sent = this.#provider.shutdown().catch(() => {});
    await Promise.race([sent, enough.promise]);
    clearTimeout(timer);
    this.#contexts.disable();
  }
}

function runningSpan(span: Span): RunningSpan {
  return {
    set: (attributes) => {
      span.setAttributes({ ...attributes });
    },
    event: (name, attributes) => {
      span.addEvent(name, { ...attributes });
    },
    fail: () => {
      span.setStatus({ code: SpanStatusCode.ERROR });
    },
  };
}

function exporterOf({ protocol, url }: OtlpEndpoint): SpanExporter {
  if (protocol === "grpc") return new GrpcSpanExporter({ url, timeoutMs: exportTimeoutMs });
  return new OTLPTraceExporter({ url, timeoutMillis: exportTimeoutMs });
}

/** Failures are told and otherwise without effect; a collector that is not there is no surprise. */
class ToldExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  readonly #telemetry: Telemetry;

  constructor(inner: SpanExporter, telemetry: Telemetry) {
    this.#inner = inner;
    this.#telemetry = telemetry;
  }

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    this.#inner.export(spans, (result) => {
      if (result.code === ExportResultCode.FAILED) this.#tell(result.error, spans.length);
      resultCallback(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  #tell(error: Error | undefined, spans: number): void {
    const sys = "observability.telemetry.exporter";
    const text = String(error?.message ?? "no reason given");
    if (/ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(text)) {
      this.#telemetry.debug(sys, "waiting for connection", { error: text, spans });
    } else this.#telemetry.warn(sys, "telemetry.exporter.error", { error: text, spans });
  }
}
