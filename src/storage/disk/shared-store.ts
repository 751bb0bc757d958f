/**
 * The shared gear: several processes on one SQLite file, compare-and-swap in SQL. Plans that arrive
 * in one turn of the event loop, or while the database is busy, become one commit.
 */
import { type FSWatcher, watch } from "node:fs";
import path from "node:path";
import {
  type ApplyResult,
  type ChangePage,
  type NamePage,
  type ObjectPage,
  type ObjectStream,
  type PageOptions,
  type Plan,
  type Store,
  type StoreCapabilities,
  type StoredObject,
  StoreFailure,
  type StreamPage,
} from "../../engine/ports/store.ts";
import { changePage, sequenceOf } from "../change-page.ts";
import type { ContentFiles } from "./content-files.ts";
import { refuseWhenOwned } from "./ownership.ts";
import { CommitOutcomeUnknown, type SqliteRows } from "./sqlite-rows.ts";
import { busyMsMax, whenFree } from "./when-free.ts";

/** Milliseconds an owner's claim is waited for: its holder may just be finishing for a dead one. */
const ownedMsMax = 500;

/** Milliseconds between two reports of changes. */
const watchPauseMs = 50;

interface QueuedPlan {
  readonly plan: Plan;
  resolve(result: ApplyResult): void;
  reject(error: unknown): void;
}

export interface SharedStoreParts {
  readonly directory: string;
  readonly rows: SqliteRows;
  readonly content: ContentFiles;
  /** Called when an owner's claim stands in the way; true when it was dead and is cleared now. */
  readonly takeOver: () => Promise<boolean>;
}

export class SharedStore implements Store {
  readonly label: string;
  readonly capabilities: StoreCapabilities = {
    atomicPlan: true,
    exclusive: false,
    watch: true,
    changes: true,
  };
  readonly #parts: SharedStoreParts;
  #queue: QueuedPlan[] = [];
  #flushing: Promise<void> | undefined;
  #failed: StoreFailure | undefined;
  #closed: Promise<void> | undefined;

  constructor(parts: SharedStoreParts) {
    this.#parts = parts;
    this.label = `disk://${parts.directory}`;
  }

  async get(name: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    this.#refuseWhenClosed();
    signal?.throwIfAborted();
    return this.#read((rows) => rows.get(name));
  }

  async getMany(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredObject | undefined)[]> {
    this.#refuseWhenClosed();
    signal?.throwIfAborted();
    return this.#read((rows) => rows.getMany(names));
  }

  async #read<T>(look: (rows: SqliteRows) => T): Promise<T> {
    const { rows } = this.#parts;
    try {
      return await this.#whenFree(() => {
        refuseWhenOwned(rows);
        return look(rows);
      });
    } catch (error) {
      if (!(error instanceof StoreFailure) || error.kind !== "owned") throw error;
      // An owner that cannot be asked: what it has moved into SQLite is the best there is.
      return this.#whenFree(() => look(rows));
    }
  }

  async getStream(name: string): Promise<ObjectStream | undefined> {
    this.#refuseWhenClosed();
    return this.#parts.content.read(name);
  }

  apply(plan: Plan): Promise<ApplyResult> {
    return new Promise((resolve, reject) => {
      this.#refuseWhenClosed();
      if (this.#failed !== undefined) throw this.#failed;
      this.#queue.push({ plan, resolve, reject });
      this.#flushing ??= this.#flushSoon();
    });
  }

  async putStream(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }> {
    this.#refuseWhenClosed();
    return this.#parts.content.write(name, source, signal);
  }

  async deleteStream(name: string): Promise<void> {
    this.#refuseWhenClosed();
    await this.#parts.content.delete(name);
  }

  async list(prefix: string, { after, limit }: PageOptions): Promise<NamePage> {
    this.#refuseWhenClosed();
    return this.#whenFree(() => this.#parts.rows.list(prefix, after, limit));
  }

  async scan(prefix: string, { after, limit }: PageOptions): Promise<ObjectPage> {
    this.#refuseWhenClosed();
    return this.#whenFree(() => this.#parts.rows.scan(prefix, after, limit));
  }

  async changesSince(cursor: string | undefined, limit: number): Promise<ChangePage> {
    this.#refuseWhenClosed();
    const { rows } = this.#parts;
    return this.#whenFree(() => {
      // Read first: what is committed after it has a later sequence and waits for the next page.
      const last = rows.lastSeq();
      const since = sequenceOf(cursor, last, this.label);
      const { objects, more } = rows.changes(since, limit);
      const known = objects.filter(({ tag }) => Number(tag) <= last);
      const page = { objects: known, more: more && known.length === objects.length };
      return changePage(page, last, ({ tag }) => Number(tag));
    });
  }

  async listStreams(prefix: string, options: PageOptions): Promise<StreamPage> {
    this.#refuseWhenClosed();
    return this.#parts.content.list(prefix, options);
  }

  watch(changed: () => void): { close(): void } {
    let pending: NodeJS.Timeout | undefined;
    let watcher: FSWatcher | undefined;
    try {
      watcher = watch(this.#parts.directory, { persistent: false }, (_event, file) => {
        if (file === null || path.basename(file) !== "lockd.db-wal") return;
        pending ??= setTimeout(() => {
          pending = undefined;
          changed();
        }, watchPauseMs).unref();
      });
      // A watcher that breaks is only a hint less: waiters look again by themselves.
      watcher.on("error", () => watcher?.close());
    } catch {
      // No inotify here (limits, network file system): the same.
    }
    return {
      close: () => {
        clearTimeout(pending);
        watcher?.close();
      },
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    await this.#flushing;
    this.#parts.rows.close();
  }

  #refuseWhenClosed(): void {
    if (this.#closed !== undefined) throw new StoreFailure("closed", `${this.label} was closed`);
  }

  /** Lets the rest of this turn queue its plans too. */
  async #flushSoon(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      await this.#commitBatch(batch);
    }
    this.#flushing = undefined;
  }

  async #commitBatch(batch: readonly QueuedPlan[]): Promise<void> {
    try {
      const results = await this.#whenFree(() => this.#applyOnce(batch));
      for (const [at, { resolve, reject }] of batch.entries()) {
        const result = results[at];
        if (result === undefined) reject(new StoreFailure("failed", `${this.label}: no result`));
        else resolve(result);
      }
    } catch (error) {
      if (error instanceof CommitOutcomeUnknown) this.#stopWriting(batch, error);
      else for (const { reject } of batch) reject(error);
    }
  }

  #applyOnce(batch: readonly QueuedPlan[]): ApplyResult[] {
    const { rows } = this.#parts;
    return rows.applyPlans(
      batch.map(({ plan }) => plan),
      () => refuseWhenOwned(rows),
    );
  }

  /** The device failed: nothing it says from now on can be believed (reliability.md F04). */
  #stopWriting(batch: readonly QueuedPlan[], error: CommitOutcomeUnknown): void {
    this.#failed = error.failure;
    for (const { resolve } of batch) resolve({ kind: "unknown", cause: error });
  }

  /** Repeats what found the database busy, or owned by somebody who turns out to be dead. */
  #whenFree<T>(run: () => T): Promise<T> {
    return whenFree(run, async ({ kind }, elapsedMs) => {
      if (kind !== "owned") return false;
      return (await this.#parts.takeOver()) ? elapsedMs < busyMsMax : elapsedMs < ownedMsMax;
    });
  }
}
