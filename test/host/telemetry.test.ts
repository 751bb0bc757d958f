/** Log lines: the contract's order, the two spellings, and the ids of a span. */
import { expect, test } from "vitest";
import type { Tracing } from "../../src/engine/ports/tracing.ts";
import { tracedTelemetry } from "../../src/host/otlp/traced-telemetry.ts";
import { openTelemetry } from "../../src/host/telemetry.ts";

async function written(options: { readonly verboseFields?: boolean; readonly active?: boolean }) {
  const lines: string[] = [];
  const plain = await openTelemetry({
    level: "info",
    mode: "json",
    verboseFields: options.verboseFields === true,
    write: (line) => lines.push(line),
  });
  const span = { traceId: "t".repeat(32), spanId: "s".repeat(16), correlationId: undefined };
  const tracing = { active: () => (options.active ? span : undefined) } as Tracing;
  const telemetry = tracedTelemetry(plain, tracing);
  telemetry.warn("sys.a", "event.b", { cid: "c" });
  telemetry.debug("sys.a", "unseen");
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? "") as Record<string, unknown>;
}

test("ts, lvl, msg, then app, sys and the fields", async () => {
  const line = await written({});
  expect(Object.keys(line)).toEqual(["ts", "lvl", "msg", "app", "sys", "cid"]);
  expect(line).toMatchObject({ lvl: "warn", msg: "event.b", app: "lockd", sys: "sys.a", cid: "c" });
});

test("verbose field names", async () => {
  const line = await written({ verboseFields: true });
  expect(Object.keys(line).slice(0, 3)).toEqual(["time", "level", "message"]);
});

test("inside of a span its ids stand on the line", async () => {
  const { trace_id: trace, span_id: span } = await written({ active: true });
  expect([trace, span]).toEqual(["t".repeat(32), "s".repeat(16)]);
});
