/** Traces to a collector of OTLP, over HTTP and gRPC (security-and-operations.md section 18). */
import { expect, test } from "vitest";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import type { LogFields, Telemetry } from "../../src/engine/ports/telemetry.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { parseOtlpEndpoint } from "../../src/host/otlp/otlp-endpoint.ts";
import { startObservedServer } from "../support/observed-server.ts";
import { startCollector, startGrpcCollector } from "../support/otlp-collector.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const callerSpan = "00f067aa0ba902b7";
const traceContext = () => ({ traceparent: `00-${traceId}-${callerSpan}-01` });

interface Line {
  readonly event: string;
  readonly fields: LogFields;
}

function listening(lines: Line[]): Telemetry {
  const line = (_sys: string, event: string, fields: LogFields = {}) =>
    lines.push({ event, fields });
  return { trace: line, debug: line, info: line, warn: line, error: line };
}

test("a request goes on with its caller's trace: operation, store, log lines", async () => {
  const collector = await startCollector();
  const lines: Line[] = [];
  const server = await startObservedServer({
    otlp: collector.url,
    telemetry: listening(lines),
  });
  const lockd = new HttpLockd({ endpoints: server.url, traceContext });
  const call = { correlationId: "order-4711" };
  await lockd.acquire({ key: "k", owner: "me" }, call);
  const rival = lockd.acquire({ key: "k", owner: "you", blockSeconds: -1 }, call);
  await expect(rival).rejects.toMatchObject({ code: "waiting" });
  await lockd.close();
  await server.stop();
  await collector.stop();
  const ours = collector.spans.filter((span) => span.traceId === traceId);
  const [request, refused] = ours.filter(({ name }) => name === "lockd.http.acquire");
  expect(request?.parentSpanId).toBe(callerSpan);
  expect(request?.attributes).toMatchObject({
    "http.request.method": "POST",
    "http.route": "/v1/acquire",
    "http.response.status_code": 200,
  });
  expect(refused?.attributes["http.response.status_code"]).toBe(409);
  const [operation, refusal] = ours.filter(({ name }) => name === "lockd.tx.acquire");
  expect(operation?.parentSpanId).toBe(request?.spanId);
  expect(operation?.events).toEqual(["lockd.tx.begin", "lockd.tx.end"]);
  expect(operation?.attributes).toMatchObject({
    "lockd.sys": "api.http.router.acquire",
    "lockd.operation": "acquire",
    "lockd.route": "/v1/acquire",
    "lockd.correlation_id": "order-4711",
  });
  expect(refusal?.failed).toBe(true);
  expect(refusal?.attributes).toMatchObject({
    "lockd.error_code": "waiting",
    "lockd.error_status": 409,
  });
  const written = ours.find(({ name }) => name === "lockd.storage.apply");
  expect(written?.parentSpanId).toBe(operation?.spanId);
  expect(written?.attributes).toMatchObject({
    "lockd.storage.operation": "apply",
    "lockd.storage.namespace": "default",
    "lockd.correlation_id": "order-4711",
  });
  expect(written?.events).toEqual(["lockd.storage.begin", "lockd.storage.end"]);
  expect([...collector.services]).toEqual(["lockd"]);
  const refusedLine = lines.find(({ event }) => event === "http.request.failure");
  expect(refusedLine?.fields).toMatchObject({ cid: "order-4711", trace_id: traceId });
  expect(refusedLine?.fields.span_id).toBe(refused?.spanId);
});

test("a request whose caller does not sample has no spans", async () => {
  const collector = await startCollector();
  const server = await startObservedServer({ otlp: collector.url });
  const tell = async (key: string, flags: string) => {
    const traceparent = `00-${traceId}-${callerSpan}-${flags}`;
    const lockd = new HttpLockd({ endpoints: server.url, traceContext: () => ({ traceparent }) });
    await lockd.acquire({ key, owner: "me" });
    await lockd.close();
  };
  await tell("unsampled", "00");
  await tell("sampled", "01");
  await server.stop();
  await collector.stop();
  const requests = collector.spans.filter(({ name }) => name === "lockd.http.acquire");
  expect(requests.map((span) => span.traceId)).toEqual([traceId]);
  expect(collector.spans.filter((span) => span.traceId !== traceId)).toEqual([]);
});

test("without a caller's trace every request begins its own, background work none", async () => {
  const collector = await startCollector();
  const server = await startObservedServer({ otlp: collector.url });
  const lockd = new HttpLockd({ endpoints: server.url });
  await lockd.describe({ key: "a" });
  await lockd.describe({ key: "b" });
  await lockd.close();
  await server.stop();
  await collector.stop();
  const roots = collector.spans.filter(({ parentSpanId }) => parentSpanId === undefined);
  expect(roots.map(({ name }) => name)).toEqual(["lockd.http.describe", "lockd.http.describe"]);
  expect(new Set(roots.map((root) => root.traceId)).size).toBe(2);
});

test("over gRPC", async () => {
  const collector = await startGrpcCollector();
  const lines: Line[] = [];
  const server = await startObservedServer({
    otlp: collector.address,
    telemetry: listening(lines),
  });
  const lockd = new HttpLockd({ endpoints: server.url, traceContext });
  await lockd.describe({ key: "a" });
  await lockd.close();
  await server.stop();
  await collector.stop();
  const [message = Buffer.alloc(0)] = collector.messages;
  expect(message.readUInt32BE(1)).toBe(message.length - 5);
  expect(message.includes("lockd.http.describe")).toBe(true);
  expect(message.includes(Buffer.from(traceId, "hex"))).toBe(true);
  expect(lines.filter(({ event }) => event === "telemetry.exporter.error")).toEqual([]);
});

test("a collector that is not there, or refuses, holds nothing up", async () => {
  const collector = await startCollector();
  const lines: Line[] = [];
  const refusing = await startObservedServer({
    otlp: `${collector.url}/elsewhere`,
    telemetry: listening(lines),
  });
  const gone = await startObservedServer({
    otlp: "http://127.0.0.1:9",
    telemetry: silentTelemetry,
  });
  for (const { url } of [refusing, gone]) {
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  }
  await Promise.all([refusing.stop(), gone.stop()]);
  await collector.stop();
  expect(lines.some(({ event }) => event === "telemetry.exporter.error")).toBe(true);
}, 20_000);

test.each([
  ["collector", { protocol: "grpc", url: "http://collector:4317" }],
  ["collector:1234", { protocol: "grpc", url: "http://collector:1234" }],
  ["grpcs://c", { protocol: "grpc", url: "https://c:4317" }],
  ["grpc://[::1]:5", { protocol: "grpc", url: "http://[::1]:5" }],
  ["http://c", { protocol: "http", url: "http://c:4318/v1/traces" }],
  ["http://c:80/x", { protocol: "http", url: "http://c/x" }],
  ["https://c/otlp", { protocol: "http", url: "https://c:4318/otlp" }],
  ["ftp://c", undefined],
  ["a b", undefined],
])("the endpoint %s", (text, endpoint) => {
  expect(parseOtlpEndpoint(text)).toEqual(endpoint);
});
