import type { Measured } from "./children.ts";
import type { Cycle } from "./cycles.ts";
import { HttpConnection } from "./http-connection.ts";

export interface LoadResult {
  readonly cyclesPerSecond: number;
  /** Server CPU of one cycle, all threads, in microseconds. */
  readonly cpuMicros: number;
  /** Milliseconds of one cycle. */
  readonly p50: number;
  readonly p99: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly cycle: Cycle;
}

/** Runs a cycle on many connections for a while, after a warm-up of a third of it. */
export async function load(
  server: Pick<Measured, "url" | "cpuMicros">,
  options: LoadOptions,
): Promise<LoadResult> {
  const connections = Array.from(
    { length: options.connections },
    () => new HttpConnection(server.url),
  );
  let phase: "warm-up" | "measuring" | "over" = "warm-up";
  const times: number[] = [];
  const lanes = connections.map(async (connection, lane) => {
    for (let round = 0; phase !== "over"; round += 1) {
      const from = performance.now();
      await options.cycle(connection, lane, round);
      if (phase === "measuring") times.push(performance.now() - from);
    }
  });
  await new Promise((resolve) => setTimeout(resolve, options.seconds * 333));
  const cpuBefore = server.cpuMicros();
  const from = performance.now();
  phase = "measuring";
  await new Promise((resolve) => setTimeout(resolve, options.seconds * 1000));
  const elapsed = performance.now() - from;
  const cpu = server.cpuMicros() - cpuBefore;
  const count = times.length;
  phase = "over";
  await Promise.all(lanes);
  for (const connection of connections) connection.close();
  times.sort((a, b) => a - b);
  return {
    cyclesPerSecond: (count * 1000) / elapsed,
    cpuMicros: cpu / count,
    p50: times[Math.floor(count / 2)] ?? 0,
    p99: times[Math.floor(count * 0.99)] ?? 0,
  };
}
