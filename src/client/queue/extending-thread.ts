import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { apiErrorOf, LockdTransportError } from "../../api/errors.ts";
import type { ExtendingCarrier, ExtendingNews, ExtendingOrder } from "./extending-protocol.ts";
import { extendPeriodMs } from "./loop-extender.ts";
import type { Extender, Message } from "./message.ts";

/** Heap of the thread in MiB: an HTTP client, or an engine over a store. */
const heapMegabytes = 64;

/** Told about one run of extensions. */
interface Run {
  readonly message: Message;
  readonly failed: (error: unknown) => void;
  readonly stopped: () => void;
}

/** The thread's file: in the sources, or at the top of the built bundle; undefined when missing. */
function threadFile(): URL | undefined {
  const candidates = [
    "../../local/extending-main.ts",
    "./extending-main.js",
    "../extending-main.js",
  ];
  return candidates
    .map((candidate) => new URL(candidate, import.meta.url))
    .find((url) => existsSync(fileURLToPath(url)));
}

/**
 * Extends leases in a thread of its own, so that a handler which keeps this event loop busy does
 * not lose its message. Started with the first message, ended with the client.
 */
export class ExtendingThread {
  readonly #carrier: ExtendingCarrier;
  readonly #runs = new Map<number, Run>();
  #count = 0;
  #worker: Worker | undefined;
  #closed = false;

  constructor(carrier: ExtendingCarrier) {
    this.#carrier = carrier;
  }

  /** An extender of one message; undefined when threads cannot be had. */
  extender(message: Message, failed: (error: unknown) => void): Extender | undefined {
    if (!this.#open()) return undefined;
    return new ThreadExtender(this, message, failed);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#endAll(new LockdTransportError("transport", "the client was closed"));
    await worker?.terminate();
  }

  begin(run: Run): number {
    this.#count += 1;
    const id = this.#count;
    this.#runs.set(id, run);
    const { message } = run;
    this.#say({
      kind: "start",
      id,
      request: {
        ...message.address(),
        extendBySeconds: Math.ceil(message.visibilityMs / 1_000) || undefined,
      },
      periodMs: extendPeriodMs(message.visibilityMs),
      correlationId: message.correlationId,
    });
    return id;
  }

  end(id: number): void {
    if (this.#runs.has(id)) this.#say({ kind: "stop", id });
  }

  #open(): boolean {
    if (this.#closed) return false;
    if (this.#worker !== undefined) return true;
    const file = threadFile();
    if (file === undefined) return false;
    const worker = new Worker(file, {
      workerData: this.#carrier,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    });
    worker.on("message", (news: ExtendingNews) => this.#heard(news));
    worker.on("error", (error) => this.#lost(worker, error));
    worker.on("exit", () => this.#lost(worker, new Error("the extending thread ended")));
    // It has no life of its own: the handlers it works for keep the process alive.
    worker.unref();
    this.#worker = worker;
    return true;
  }

  #say(order: ExtendingOrder): void {
    this.#worker?.postMessage(order);
    if (this.#worker === undefined) this.#endAll(new Error("the extending thread ended"));
  }

  #heard(news: ExtendingNews): void {
    const run = this.#runs.get(news.id);
    if (run === undefined) return;
    if (news.kind === "extended") {
      run.message.adopt(news.result);
      return;
    }
    this.#runs.delete(news.id);
    if (news.kind === "failed") run.failed(errorOf(news));
    run.stopped();
  }

  #lost(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const message = "the thread that extends leases ended";
    this.#endAll(new LockdTransportError("transport", message, { cause }));
  }

  #endAll(error: Error): void {
    const runs = [...this.#runs.values()];
    this.#runs.clear();
    for (const run of runs) {
      run.failed(error);
      run.stopped();
    }
  }
}

function errorOf(news: Extract<ExtendingNews, { readonly kind: "failed" }>): Error {
  const { code, message, status } = news;
  if (status === undefined) return new LockdTransportError("transport", message);
  return apiErrorOf(code, message, { status, operation: "extend" });
}

/** One message's extensions in the thread. */
class ThreadExtender implements Extender {
  readonly #thread: ExtendingThread;
  readonly #message: Message;
  readonly #failed: (error: unknown) => void;
  #run: { readonly id: number; readonly stopped: Promise<void> } | undefined;
  #over = false;

  constructor(thread: ExtendingThread, message: Message, failed: (error: unknown) => void) {
    this.#thread = thread;
    this.#message = message;
    this.#failed = failed;
  }

  start(): void {
    if (this.#over || this.#run !== undefined) return;
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const id = this.#thread.begin({
      message: this.#message,
      failed: (error) => {
        this.#over = true;
        if (!this.#message.settled) this.#failed(error);
      },
      stopped: resolve,
    });
    this.#run = { id, stopped };
  }

  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    this.#thread.end(run.id);
    await run.stopped;
  }
}
