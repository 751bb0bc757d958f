import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { StoreFailure, type StoreFailureKind } from "../../../engine/ports/store.ts";

export type MoveRequest =
  | { readonly kind: "move"; readonly file: string }
  | { readonly kind: "stop" };

export type MoveAnswer =
  | { readonly kind: "moved" }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly why: StoreFailureKind; readonly message: string };

/** Brings segments into SQLite. */
export interface SegmentMover {
  /** Resolves when the segment is durable in SQLite. One call at a time. @throws StoreFailure */
  move(file: string): Promise<void>;
  stop(): Promise<void>;
}

/** Heap of the worker in MiB: a segment and its rows, with room. */
const workerHeapMegabytes = 96;

/** The worker's file: next to this one in the sources, at the top of the built bundle. */
function workerFile(): URL {
  const candidates = ["./mover-worker.ts", "./mover-worker.js", "../mover-worker.js"];
  for (const candidate of candidates) {
    const url = new URL(candidate, import.meta.url);
    if (existsSync(fileURLToPath(url))) return url;
  }
  throw new StoreFailure("failed", "the journal's worker is missing from this installation");
}

/**
 * Moves segments one after the other in a worker thread, started with the first one. The worker
 * keeps the process alive while it has something to do, and only then: whoever closes the store or
 * waits for room waits for nothing else, and the process would end under them.
 */
export class Mover implements SegmentMover {
  readonly #databasePath: string;
  #worker: Worker | undefined;
  #settle: { resolve(answer: MoveAnswer): void; reject(error: unknown): void } | undefined;

  constructor(databasePath: string) {
    this.#databasePath = databasePath;
  }

  async move(file: string): Promise<void> {
    const answer = await this.#ask({ kind: "move", file });
    if (answer.kind === "failed") throw new StoreFailure(answer.why, answer.message);
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    await this.#ask({ kind: "stop" }).catch(() => undefined);
    this.#worker = undefined;
    await worker.terminate();
  }

  async #ask(request: MoveRequest): Promise<MoveAnswer> {
    const worker = this.#start();
    worker.ref();
    try {
      return await new Promise((resolve, reject) => {
        this.#settle = { resolve, reject };
        worker.postMessage(request);
      });
    } finally {
      worker.unref();
    }
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(workerFile(), {
      workerData: { databasePath: this.#databasePath },
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMegabytes },
    });
    worker.on("message", (answer: MoveAnswer) => this.#settle?.resolve(answer));
    worker.on("error", (error) => this.#died(worker, error.message));
    worker.on("exit", (code) => this.#died(worker, `it ended with code ${code}`));
    this.#worker = worker;
    return worker;
  }

  /** Whoever waits for an answer will get none, and nobody may ask a dead worker again. */
  #died(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#settle?.reject(new StoreFailure("failed", `the journal's worker failed: ${reason}`));
  }
}
