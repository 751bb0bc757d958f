/** Flushes of the index on request (query-and-lql.md section 11.1). */
import { failure, LockdTimeoutError } from "../../api/errors.ts";
import type { LockdCall } from "../../api/lockd.ts";
import { normalizeNamespace } from "../../api/names.ts";
import type { IndexFlushRequest, IndexFlushResult } from "../../api/queries.ts";
import { backgroundFlushesMax, backgroundFlushMsMax } from "../limits.ts";
import type { EngineOptions } from "../options.ts";
import { callStore } from "../store-failure.ts";
import type { NamespaceIndex } from "./candidates.ts";

interface BackgroundFlush {
  readonly id: string;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export class IndexFlushes {
  readonly #options: EngineOptions;
  /** By namespace; at most {@link backgroundFlushesMax}. */
  readonly #background = new Map<string, BackgroundFlush>();

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** @throws invalid_namespace, invalid_mode, index_unavailable, index_flush_busy */
  async flush(request: IndexFlushRequest, call: LockdCall): Promise<IndexFlushResult> {
    const namespace = normalizeNamespace(request.namespace, this.#options.defaultNamespace);
    const mode = modeOf(request.mode);
    const { index } = this.#options;
    if (index === undefined) {
      throw failure("index_unavailable", "this store has no index; queries scan");
    }
    const base = { namespace, mode, flushed: mode === "wait" };
    if (mode === "async") {
      const flushId = this.#startInBackground(index, namespace);
      const { pending } = await callStore(() => index.status(namespace));
      return { ...base, pending: pending > 0, indexSeq: undefined, flushId };
    }
    const { seq } = await callStore(() => index.flush(namespace, call.signal));
    const { pending } = await callStore(() => index.status(namespace));
    const indexSeq = seq === 0 ? undefined : seq;
    return { ...base, pending: pending > 0, indexSeq, flushId: undefined };
  }

  /** Ends what runs in the background; its documents stay pending. */
  async close(): Promise<void> {
    const running = [...this.#background.values()];
    for (const { abort } of running) abort.abort(new Error("the store is being closed"));
    await Promise.all(running.map(({ done }) => done));
  }

  /** The id of the flush that runs for the namespace, started now or before. */
  #startInBackground(index: NamespaceIndex, namespace: string): string {
    const running = this.#background.get(namespace);
    if (running !== undefined) return running.id;
    if (this.#background.size >= backgroundFlushesMax) {
      const detail = `${backgroundFlushesMax} namespaces are being flushed; try again soon`;
      throw failure("index_flush_busy", detail);
    }
    const id = this.#options.random.uuid();
    const abort = new AbortController();
    const done = this.#runInBackground(index, namespace, abort);
    this.#background.set(namespace, { id, abort, done });
    return id;
  }

  /** Never rejects: nobody waits for it. */
  async #runInBackground(
    index: NamespaceIndex,
    namespace: string,
    abort: AbortController,
  ): Promise<void> {
    const { clock, telemetry } = this.#options;
    const limit = clock.schedule(backgroundFlushMsMax, () => {
      const message = `the flush took more than ${backgroundFlushMsMax} ms`;
      abort.abort(new LockdTimeoutError("timeout", message, { operation: "index flush" }));
    });
    try {
      await index.flush(namespace, abort.signal);
    } catch (error) {
      telemetry.warn("query.index", "index.flush.failed", { namespace, error: String(error) });
    } finally {
      limit.cancel();
      this.#background.delete(namespace);
    }
  }
}

function modeOf(text: string | undefined): "wait" | "async" {
  const word = text?.trim().toLowerCase() ?? "";
  if (word === "" || word === "wait" || word === "sync") return "wait";
  if (word === "async") return "async";
  throw failure("invalid_mode", `mode "${word.slice(0, 40)}" must be wait or async`);
}
