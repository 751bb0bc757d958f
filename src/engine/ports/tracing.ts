/**
 * Spans of what happens in this process (security-and-operations.md section 18). Nobody makes one
 * unless a collector was named: then there is no `Tracing`, and nothing of it is loaded.
 */

export type SpanValue = string | number | boolean;
export type SpanAttributes = Readonly<Record<string, SpanValue>>;

/** A span that runs. */
export interface RunningSpan {
  set(attributes: SpanAttributes): void;
  event(name: string, attributes?: SpanAttributes): void;
  fail(): void;
}

export interface SpanStart {
  readonly name: string;
  readonly kind: "server" | "internal" | "client";
  readonly attributes: SpanAttributes;
  /** Headers of a request: the span goes on with the trace they name. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Of everything below this span. */
  readonly correlationId?: string;
}

/** Where this code runs, as far as spans are concerned. */
export interface ActiveSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly correlationId: string | undefined;
}

export interface Tracing {
  /** Runs `work` inside a new span, which ends with it. Answers and throws what `work` does. */
  within<T>(start: SpanStart, work: (span: RunningSpan) => Promise<T>): Promise<T>;
  /** Undefined outside of every span. */
  active(): ActiveSpan | undefined;
  /** Sends what is left, for a few seconds at most. Never rejects. */
  stop(): Promise<void>;
}
