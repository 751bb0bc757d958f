/** What the same machine does without lockd, in the same run. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { type Load, load, loadOf } from "./load.ts";

export interface Yardstick {
  readonly name: "synced write" | "bare HTTP";
  readonly load: Load;
}

/** Bytes of a record as a lease writes it. */
const recordBytes = 512;

/** Bytes of request and answer, about those of an acquire. */
const requestBytes = 300;
const answerBytes = 330;

/** One writer that appends and syncs, as a journal would. */
export async function syncedWriteYardstick(
  directory: string,
  { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
): Promise<Yardstick> {
  const { syncedWrites } = await import("../../storage/disk/synced-writes.ts");
  const options = { directory, bytes: recordBytes, writesMax: 1_000_000, msMax: ms, signal };
  const times = await syncedWrites(options);
  signal.throwIfAborted();
  const totalMs = times.reduce((sum, time) => sum + time, 0);
  return { name: "synced write", load: loadOf(times, times.length, totalMs) };
}

/** A server of Node's own that reads a body and answers one, in a thread of its own. */
const echoProgram = `
  const { createServer } = require("node:http");
  const { parentPort, workerData } = require("node:worker_threads");
  const answer = Buffer.alloc(workerData.answerBytes, "a");
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      response.writeHead(200, { "Content-Length": answer.length });
      response.end(answer);
    });
  });
  server.listen(workerData.listen, () => parentPort.postMessage(server.address()));
`;

export interface EchoOptions {
  /** As lockd is reached: through a unix socket, or TCP on this machine. */
  readonly transport: "unix" | "tcp";
  readonly clients: number;
  readonly ms: number;
  readonly signal: AbortSignal;
}

/** The client is the one that commands use, so that only the server differs. */
export async function bareHttpYardstick(options: EchoOptions): Promise<Yardstick> {
  const { transport, clients, ms, signal } = options;
  const socketPath = path.join(tmpdir(), `lockd-bench-${randomUUID().slice(0, 8)}.sock`);
  const listen = transport === "unix" ? { path: socketPath } : { host: "127.0.0.1", port: 0 };
  const echo = new Worker(echoProgram, { eval: true, workerData: { answerBytes, listen } });
  const agent = new Agent({ keepAlive: true });
  try {
    const [address] = (await once(echo, "message")) as [string | { port: number }];
    const target = typeof address === "string" ? { socketPath } : { port: address.port };
    const result = await load({ clients, ms, signal, once: () => ask({ ...target, agent }) });
    return { name: "bare HTTP", load: result };
  } finally {
    agent.destroy();
    await echo.terminate();
    await rm(socketPath, { force: true });
  }
}

function ask(target: {
  readonly agent: Agent;
  readonly port?: number;
  readonly socketPath?: string;
}): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Length": requestBytes };
    const sent = request({ ...target, method: "POST", path: "/echo", headers }, (answer) => {
      answer.resume();
      answer.on("end", resolve).on("error", reject);
    });
    sent.on("error", reject);
    sent.end(Buffer.alloc(requestBytes, "q"));
  });
}
