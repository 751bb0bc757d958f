/** What a request says of the trace it belongs to (W3C Trace Context and Baggage). */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
  readonly baggage?: string | undefined;
}

/** Asked before every request; undefined when it belongs to no trace. */
export type TraceContextSource = () => TraceContext | undefined | Promise<TraceContext | undefined>;

/** Characters of one of these headers at most; servers refuse more. */
const headerLengthMax = 8_192;

/** Where the API of OpenTelemetry keeps what an application registered. */
const registryKey = Symbol.for("opentelemetry.js.api.1");

/**
 * The trace that this code runs in, when the application uses OpenTelemetry. Its API is loaded only
 * then: whoever has not registered anything pays for one look at a global.
 */
export function activeTraceContext(): Promise<TraceContext | undefined> | undefined {
  const registered = (globalThis as Readonly<Record<symbol, unknown>>)[registryKey];
  return registered === undefined ? undefined : injectedContext();
}

async function injectedContext(): Promise<TraceContext | undefined> {
  const { context, propagation } = await import("@opentelemetry/api");
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return checkedContext(carrier);
}

/** The trace of whoever started this process, as it tells its children (`TRACEPARENT`). */
export function inheritedTraceContext(
  env: Readonly<Record<string, string | undefined>>,
): TraceContextSource | undefined {
  const { TRACEPARENT: traceparent, TRACESTATE: tracestate, BAGGAGE: baggage } = env;
  const inherited = checkedContext({ traceparent, tracestate, baggage });
  return inherited === undefined ? undefined : () => inherited;
}

/** Names and values of the headers, in turn. */
export function traceHeaders(context: TraceContext | undefined): string[] {
  const { traceparent, tracestate, baggage } = context ?? { traceparent: "" };
  if (!isTraceparent(traceparent)) return [];
  const headers = ["traceparent", traceparent];
  if (isHeader(tracestate)) headers.push("tracestate", tracestate);
  if (isHeader(baggage)) headers.push("baggage", baggage);
  return headers;
}

function checkedContext(
  given: Readonly<Record<string, string | undefined>>,
): TraceContext | undefined {
  const { traceparent = "", tracestate, baggage } = given;
  return isTraceparent(traceparent) ? { traceparent, tracestate, baggage } : undefined;
}

function isTraceparent(text: string): boolean {
  return /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(text);
}

function isHeader(text: string | undefined): text is string {
  return text !== undefined && text.length <= headerLengthMax && /^[\x20-\x7e]+$/.test(text);
}
