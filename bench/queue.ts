/**
 * Queues in the engine, on the exclusive disk store: the cycle enqueue, dequeue, ack at several
 * widths; then a queue of a million messages: filling it, starting with it, and what a dequeue
 * costs compared with a thousand. `node bench/queue.ts [messages] [seconds]`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Delivery } from "../src/api/queues.ts";
import { Engine } from "../src/engine/engine.ts";
import { silentTelemetry } from "../src/engine/ports/telemetry.ts";
import { SystemClock } from "../src/host/clock.ts";
import { systemRandom } from "../src/host/random.ts";
import { openStore } from "../src/storage/open.ts";

const messages = Number(process.argv[2] ?? 1_000_000);
const seconds = Number(process.argv[3] ?? 4);
const payload = Buffer.alloc(300, "x");

async function open(directory: string): Promise<Engine> {
  return new Engine({
    store: await openStore(`disk://${directory}`, { gear: "exclusive" }),
    clock: new SystemClock(),
    random: systemRandom(),
    telemetry: silentTelemetry,
    defaultNamespace: "default",
    jsonBytesMax: 100 * 1024 * 1024,
    defaultTtlSeconds: 30,
    maxTtlSeconds: 1800,
    acquireBlockSeconds: 60,
  });
}

/** Runs `work` so many times at once until it says that it is done. */
async function atOnce(width: number, work: () => Promise<boolean>): Promise<void> {
  const worker = async (): Promise<void> => {
    while (await work());
  };
  await Promise.all(Array.from({ length: width }, worker));
}

async function settle(engine: Engine, delivery: Delivery): Promise<void> {
  const { namespace, queue, messageId, leaseId, fencingToken } = delivery;
  await engine.queues.ack({ namespace, queue, messageId, leaseId, fencingToken });
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Cycles a second of so many producers and consumers, with the time a cycle takes. */
async function cycles(engine: Engine, width: number): Promise<string> {
  const until = performance.now() + seconds * 1000;
  const from = process.cpuUsage();
  const times: number[] = [];
  const queue = `cycle-${width}`;
  await atOnce(width, async () => {
    const began = performance.now();
    await engine.queues.enqueue({ queue }, payload);
    const [delivery] = await engine.queues.dequeue({ queue, owner: "w", waitSeconds: 0 });
    if (delivery !== undefined) await settle(engine, delivery);
    times.push(performance.now() - began);
    return performance.now() < until;
  });
  times.sort((a, b) => a - b);
  const { user, system } = process.cpuUsage(from);
  return (
    `${width} at once: ${(times.length / seconds).toFixed(0)} cycles/s, ` +
    `p50 ${quantile(times, 0.5).toFixed(2)} ms, p99 ${quantile(times, 0.99).toFixed(2)} ms, ` +
    `${((user + system) / times.length).toFixed(0)} us CPU a cycle`
  );
}

async function fill(engine: Engine, queue: string, count: number): Promise<number> {
  let left = count;
  const from = performance.now();
  await atOnce(512, async () => {
    if (left <= 0) return false;
    left -= 1;
    await engine.queues.enqueue({ queue }, payload);
    return true;
  });
  return (performance.now() - from) / 1000;
}

/** Microseconds of CPU and milliseconds of the middle dequeue and ack, 64 at once. */
async function dequeueCost(
  engine: Engine,
  queue: string,
  count: number,
): Promise<{ readonly cpuMicros: number; readonly p50: number }> {
  const times: number[] = [];
  const from = process.cpuUsage();
  let left = count;
  await atOnce(64, async () => {
    if (left <= 0) return false;
    left -= 1;
    const began = performance.now();
    const [delivery] = await engine.queues.dequeue({ queue, owner: "w", waitSeconds: 0 });
    if (delivery !== undefined) await settle(engine, delivery);
    times.push(performance.now() - began);
    await engine.queues.enqueue({ queue }, payload);
    return true;
  });
  const { user, system } = process.cpuUsage(from);
  times.sort((a, b) => a - b);
  return { cpuMicros: (user + system) / times.length, p50: quantile(times, 0.5) };
}

async function fillAndCycle(directory: string): Promise<void> {
  const engine = await open(directory);
  for (const width of [1, 8, 64]) console.log(await cycles(engine, width));
  const filled = await fill(engine, "many", messages);
  console.log(
    `${messages} messages of ${payload.length} bytes enqueued in ${filled.toFixed(1)} s, ` +
      `${(messages / filled).toFixed(0)} a second`,
  );
  await engine.close();
}

function rssMib(): string {
  return (process.memoryUsage().rss / 1024 / 1024).toFixed(0);
}

/** In a process of its own, so that its memory is that of a server that has just started. */
async function startAndTake(directory: string): Promise<void> {
  const before = performance.now();
  const engine = await open(directory);
  const opened = performance.now();
  const cpu = process.cpuUsage();
  const stats = await engine.queues.stats({ queue: "many" });
  const loaded = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `start: store open ${((opened - before) / 1000).toFixed(2)} s, ` +
      `${stats.pendingCandidates} messages known after ` +
      `${((loaded - opened) / 1000).toFixed(2)} s ` +
      `(${((user + system) / 1e6).toFixed(2)} s CPU); RSS ${rssMib()} MiB`,
  );
  await fill(engine, "few", 1_000);
  await dequeueCost(engine, "few", 2_000);
  const rounds: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    const few = await dequeueCost(engine, "few", 4_000);
    const many = await dequeueCost(engine, "many", 4_000);
    rounds.push(
      `p50 ${many.p50.toFixed(2)} / ${few.p50.toFixed(2)} ms = ` +
        `${(many.p50 / few.p50).toFixed(2)}, CPU ${many.cpuMicros.toFixed(0)} / ` +
        `${few.cpuMicros.toFixed(0)} us = ${(many.cpuMicros / few.cpuMicros).toFixed(2)}`,
    );
  }
  console.log(`dequeue, ack, enqueue; ${messages} to 1,000 messages:\n  ${rounds.join("\n  ")}`);
  console.log(`RSS ${rssMib()} MiB`);
  await engine.close();
}

const existing = process.argv[4];
if (existing !== undefined) {
  await startAndTake(existing);
} else {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-queue-"));
  try {
    await fillAndCycle(directory);
    const args = ["--no-warnings", import.meta.filename, String(messages), "0", directory];
    spawnSync(process.execPath, args, { stdio: "inherit" });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
