/** `queue dlq redrive` of many, by a server that takes its time: progress, and a signal. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Place } from "./lockd-process.ts";

vi.setConfig({ testTimeout: 120_000 });

/** Milliseconds for each batch. */
let batchMs: number;

let place: Place;
let server: Server;
let url: string;
/** Letters of the queue that were put back. */
let redriven: number;
let dead: number;

beforeEach(async () => {
  place = new Place();
  redriven = 0;
  batchMs = 400;
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  place.remove();
});

/** What a lockd with a slow store answers. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const text = (await request.toArray()).join("");
  const reply = (value: object) => response.end(JSON.stringify(value));
  response.setHeader("content-type", "application/json");
  if (request.url === "/v1/x/queue/list") {
    reply({ queues: [{ namespace: "default", queue: "jobs", dead: dead - redriven }] });
    return;
  }
  expect(request.url).toBe("/v1/x/queue/dlq/redrive");
  const { limit } = JSON.parse(text);
  await sleep(batchMs);
  redriven += limit;
  const more = redriven < dead;
  reply({ changed: limit, more, cursor: more ? `after-${redriven}` : undefined });
}

const words = ["queue", "dlq", "redrive", "jobs", "--all"];

test("lines of JSON with the server's own counts, then the result", async () => {
  dead = 1_000;
  const { code, stdout, stderr } = await place.run([
    ...[...words, "-s", url, "--progress", "json", "--json"],
  ]);
  expect([code, JSON.parse(stdout)]).toEqual([0, { redriven: 1_000 }]);
  const lines = stderr.trim().split("\n");
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) {
    const { done, ...rest } = JSON.parse(line);
    const told = { counted: "letters", total: 1_000, elapsed_ms: expect.any(Number) };
    expect(rest).toEqual({ progress: "redrive jobs", ...told });
    expect([done % 100, done > 0]).toEqual([0, true]);
  }
});

test("a signal lets the batch end and says how many there were; then it goes on", async () => {
  // Half a minute's work: nobody is so slow that the signal comes too late.
  dead = 8_000;
  const started = place.start([...words, "-s", url, "--progress", "json"]);
  await started.says('"done":');
  started.child.kill("SIGINT");
  const { code, stdout, stderr } = await started.ended;
  expect([code, stdout]).toEqual([130, ""]);
  expect(stderr).toContain("lockd: interrupted: ended by SIGINT\n");
  expect(stderr).toMatch(
    new RegExp(`\nredriven=${redriven} of 8000; the same command goes on with the rest\n$`),
  );
  expect(redriven).toBeLessThan(dead);
  batchMs = 0;
  const left = dead - redriven;
  const again = await place.run([...words, "-s", url]);
  expect([again.code, again.stdout]).toEqual([0, `redriven=${left}\n`]);
});
