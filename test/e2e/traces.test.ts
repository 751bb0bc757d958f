/** The built program: a command hands its caller's trace on, the server sends spans of it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Collector, startCollector } from "../support/otlp-collector.ts";
import { Place } from "./lockd-process.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const env = {
  TRACEPARENT: `00-${traceId}-00f067aa0ba902b7-01`,
  LOCKD_CLIENT_CORRELATION_ID: "c-1",
};

const place = new Place();
let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(async () => {
  await collector.stop();
  place.remove();
});

test("from the environment of a command to the collector of its server", async () => {
  const server = await place.serve(["--otlp-endpoint", collector.url, "--drain-grace", "0s"]);
  const acquired = await place.run(["acquire", "-k", "k", "-s", server.url, "--json"], { env });
  expect(acquired.code).toBe(0);
  server.child.kill("SIGTERM");
  expect((await server.ended).code).toBe(0);
  const ours = collector.spans.filter((span) => span.traceId === traceId);
  const names = ours.map(({ name }) => name);
  expect(names).toContain("lockd.http.acquire");
  expect(names).toContain("lockd.storage.apply");
  const operation = ours.find(({ name }) => name === "lockd.tx.acquire");
  expect(operation?.attributes["lockd.operation"]).toBe("acquire");
}, 60_000);

test("an endpoint that is none is a usage error", async () => {
  const wrong = await place.run(["serve", "--store", "mem://", "--otlp-endpoint", "ftp://c"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("otlp-endpoint");
}, 30_000);
