import type { LogFields, Telemetry } from "../../engine/ports/telemetry.ts";
import type { Tracing } from "../../engine/ports/tracing.ts";

/** Adds `trace_id` and `span_id` to lines that are written while a span is active. */
export function tracedTelemetry(telemetry: Telemetry, tracing: Tracing): Telemetry {
  const line =
    (level: keyof Telemetry) =>
    (sys: string, event: string, fields?: LogFields): void => {
      const span = tracing.active();
      const ids = span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
      telemetry[level](sys, event, { ...fields, ...ids });
    };
  return {
    trace: line("trace"),
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  };
}
