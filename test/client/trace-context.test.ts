/** The trace a request belongs to: from OpenTelemetry, from the environment, or from the caller. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import {
  activeTraceContext,
  inheritedTraceContext,
  type TraceContextSource,
  traceHeaders,
} from "../../src/client/trace-context.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";
const traceparent = `00-${traceId}-${spanId}-01`;

const seen: IncomingHttpHeaders[] = [];
const server = createServer((request, response) => {
  seen.push(request.headers);
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ namespace: "default", key: "k", version: 0 }));
});
beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
afterAll(() => void server.close());

/** The headers that one request of a client has. */
async function headersOf(traceContext?: TraceContextSource): Promise<IncomingHttpHeaders> {
  const { port } = server.address() as AddressInfo;
  await using client = createClient({ endpoints: `http://127.0.0.1:${port}`, traceContext });
  await client.describe("k");
  return seen.at(-1) ?? {};
}

test("what the caller says, and nothing where nobody says anything", async () => {
  expect(activeTraceContext()).toBeUndefined();
  expect(await headersOf()).not.toHaveProperty("traceparent");
  const given = await headersOf(() => ({ traceparent, tracestate: "a=b", baggage: "user=7" }));
  expect(given).toMatchObject({ traceparent, tracestate: "a=b", baggage: "user=7" });
});

test("the active span, where the application has registered OpenTelemetry", async () => {
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  try {
    const spanContext = { traceId, spanId, traceFlags: 1 };
    const active = trace.setSpanContext(context.active(), spanContext);
    const inside = await context.with(active, () => headersOf());
    expect(inside).toMatchObject({ traceparent });
    expect(await headersOf()).not.toHaveProperty("traceparent");
  } finally {
    propagation.disable();
    context.disable();
  }
});

test("the environment of a command, unless it makes no sense", () => {
  const inherited = inheritedTraceContext({ TRACEPARENT: traceparent, TRACESTATE: "a=b" });
  expect(inherited?.()).toEqual({ traceparent, tracestate: "a=b", baggage: undefined });
  for (const wrong of ["", "00-1-2-01", traceparent.toUpperCase(), `ff${traceparent.slice(2)}`]) {
    expect(inheritedTraceContext({ TRACEPARENT: wrong })).toBeUndefined();
  }
});

test("what cannot be a header is left out", () => {
  const context = { traceparent, tracestate: "a\r\nevil: 1", baggage: "x".repeat(9_000) };
  expect(traceHeaders(context)).toEqual(["traceparent", traceparent]);
  expect(traceHeaders({ traceparent: "no" })).toEqual([]);
});
