import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { StoreFailure } from "../engine/ports/store.ts";
import type { IndexAnswer, IndexRequest, NumberedAnswer } from "./index-messages.ts";

/** Heap of the worker in MiB: the largest batch taken apart, with room. */
const workerHeapMegabytes = 256;

/** The worker's file: next to this one in the sources, at the top of the built bundle. */
function workerFile(): URL {
  const candidates = ["./index-worker.ts", "./index-worker.js", "../index-worker.js"];
  for (const candidate of candidates) {
    const url = new URL(candidate, import.meta.url);
    if (existsSync(fileURLToPath(url))) return url;
  }
  throw new StoreFailure("failed", "the index's worker is missing from this installation");
}

interface Waiting {
  resolve(value: Extract<IndexAnswer, { kind: "done" }>["value"]): void;
  reject(error: unknown): void;
}

/**
 * The thread that writes an index, started with the first request. It keeps the process alive only
 * while somebody waits for an answer.
 */
export class IndexThread {
  readonly #directory: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #requests = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws StoreFailure */
  ask(
    request: IndexRequest,
    transfer: ArrayBuffer[] = [],
  ): Promise<Extract<IndexAnswer, { kind: "done" }>["value"]> {
    const worker = this.#start();
    this.#requests += 1;
    const id = this.#requests;
    worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, request }, transfer);
    });
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    await this.ask({ kind: "stop" }).catch(() => undefined);
    this.#worker = undefined;
    await worker.terminate();
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(workerFile(), {
      workerData: { directory: this.#directory },
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMegabytes },
    });
    worker.on("message", (message: NumberedAnswer) => this.#answered(worker, message));
    worker.on("error", (error) => this.#died(worker, error.message));
    worker.on("exit", (code) => this.#died(worker, `it ended with code ${code}`));
    this.#worker = worker;
    return worker;
  }

  #answered(worker: Worker, { id, answer }: NumberedAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) worker.unref();
    if (answer.kind === "done") waiting?.resolve(answer.value);
    else waiting?.reject(new StoreFailure(answer.why, answer.message));
  }

  /** Whoever waits will get no answer; the next request starts another one. */
  #died(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) {
      reject(new StoreFailure("unavailable", `the index's worker failed: ${reason}`));
    }
  }
}
