/**
 * The query index as a view of the store with a watermark: it takes the changes behind its cursor
 * page by page, whoever made them. Nothing has to be remembered between a commit and its
 * publication, so a crash loses neither and needs no repair.
 *
 * One run at a time brings it up to date. A commit never waits for one: it is only counted, and
 * starts a run when there are many, or after a while.
 */
import { failure } from "../../../api/errors.ts";
import type { CheckedSelector } from "../../../lql/selector/selector.ts";
import type { Clock, ScheduledCall } from "../../ports/clock.ts";
import type { IndexMeasures } from "../../ports/index-measures.ts";
import { type ChangePage, type Store, StoreFailure } from "../../ports/store.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import type { RecordBatch, TermStore } from "../../ports/term-store.ts";
import { namespaceOfRecord, recordName } from "../../record/key-record.ts";
import type { CandidatePage, IndexStand, NamespaceIndex, RebuildOptions } from "../candidates.ts";
import { indexPlanOf } from "./index-plan.ts";
import {
  changesPageMax,
  changesPageMin,
  closingPagesMax,
  overtakenMax,
  pendingCommitsMax,
  publishIntervalMs,
  rebuildClaimMs,
} from "./limits.ts";

export interface StoreIndexParts {
  readonly store: Store;
  readonly terms: TermStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly measures?: IndexMeasures | undefined;
  /** Publishes by itself; otherwise only when it is asked to (short-lived processes). */
  readonly publishes: boolean;
}

const log = "query.index.core";

export class StoreIndex implements NamespaceIndex {
  readonly #parts: StoreIndexParts;
  /** Commits of this process since the last publication, by namespace. */
  #pending = new Map<string, number>();
  /** When the oldest of them was made. */
  readonly #pendingSince = new Map<string, number>();
  #pendingCount = 0;
  #timer: ScheduledCall | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** True when the last thing this process knows of the index is that it had seen everything. */
  #isComplete = false;
  #closed = false;

  constructor(parts: StoreIndexParts) {
    this.#parts = parts;
    // What was committed before a crash, or by others, is published first.
    if (parts.publishes) this.#publishSoon(0);
  }

  async candidates(query: {
    readonly namespace: string;
    readonly selector: CheckedSelector;
    readonly after: string | undefined;
    readonly limit: number;
    readonly signal?: AbortSignal;
  }): Promise<CandidatePage> {
    const { namespace, after, limit, signal } = query;
    const plan = indexPlanOf(query.selector, this.#parts.clock.wallMs());
    // Counted first: what is published meanwhile may be found, and counts as pending all the same.
    const pending = this.#pending.get(namespace) ?? 0;
    const found = await this.#parts.terms.find({ namespace, plan, after, limit, signal });
    signal?.throwIfAborted();
    const stand = { ...found.publication, pending };
    if (found.kind === "keys") return { keys: found.keys, more: found.more, stand };
    return { ...(await this.#allKeys(namespace, after, limit)), stand };
  }

  async status(namespace: string): Promise<IndexStand> {
    const { seq, updatedAtMs } = await this.#parts.terms.status(namespace);
    return { seq, updatedAtMs, pending: this.#pending.get(namespace) ?? 0 };
  }

  async flush(namespace: string, signal?: AbortSignal): Promise<{ readonly seq: number }> {
    await untilAborted(this.#publish(), signal);
    return this.#parts.terms.status(namespace);
  }

  async rebuild(
    namespace: string,
    options: RebuildOptions,
  ): Promise<{ readonly seq: number; readonly rebuilt: boolean }> {
    const { terms, clock } = this.#parts;
    const nowMs = clock.wallMs();
    const claimed = await terms.claimRebuild(namespace, { nowMs, untilMs: nowMs + rebuildClaimMs });
    if (!claimed) return { ...(await terms.status(namespace)), rebuilt: false };
    try {
      await this.#publish();
      await this.#takeApartAgain(namespace, options);
      const { seq } = await this.flush(namespace, options.signal);
      if (options.cleanup && terms.tidy !== undefined) {
        await this.#pause(options.cleanupDelayMs, options.signal);
        await terms.tidy();
      }
      return { seq, rebuilt: true };
    } finally {
      await terms.endRebuild(namespace);
    }
  }

  /** The index was found damaged, or gone: it is made anew as soon as possible. */
  noteDamage(): void {
    if (this.#parts.publishes && !this.#closed) this.#publishSoon(0);
  }

  /** Told of every commit of this process. */
  noteCommit(namespace: string): void {
    const known = this.#pending.get(namespace);
    this.#pending.set(namespace, (known ?? 0) + 1);
    if (known === undefined) {
      this.#pendingSince.set(namespace, this.#parts.clock.monotonicMs());
    }
    this.#pendingCount += 1;
    if (!this.#parts.publishes || this.#closed) return;
    if (this.#pendingCount === pendingCommitsMax) this.#publishSoon(0);
    else if (this.#timer === undefined) this.#publishSoon(publishIntervalMs);
  }

  backlog(): readonly { namespace: string; depth: number; lagMs: number }[] {
    const nowMs = this.#parts.clock.monotonicMs();
    return [...this.#pending].map(([namespace, depth]) => ({
      namespace,
      depth,
      lagMs: nowMs - (this.#pendingSince.get(namespace) ?? nowMs),
    }));
  }

  /** Publishes what is pending, if it is its business, and closes the term store; idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    if (this.#parts.publishes && this.#pendingCount > 0) await this.#publish().catch(() => {});
    await this.#running?.catch(() => {});
    await this.#parts.terms.close();
  }

  #publishSoon(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.schedule(delayMs, () => {
      this.#timer = undefined;
      this.#publish().catch((error: unknown) => {
        this.#parts.telemetry.warn(log, "index.publish_failed", { error: String(error) });
        // Nothing is lost: the changes are still behind the cursor.
        if (!this.#closed && this.#timer === undefined) this.#publishSoon(publishIntervalMs);
      });
    });
  }

  /** A run that began after the call: whoever comes while one is under way shares the next. */
  #publish(): Promise<void> {
    if (this.#running === undefined) return this.#run();
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#running ?? this.#run();
      });
    return this.#next;
  }

  #run(): Promise<void> {
    const run = this.#measured().finally(() => {
      this.#running = undefined;
    });
    this.#running = run;
    return run;
  }

  /** A run is a flush of every namespace that had something pending. */
  async #measured(): Promise<void> {
    const { measures, clock } = this.#parts;
    if (measures === undefined) return this.#catchUp();
    const namespaces = [...this.#pending.keys()];
    const startedMs = clock.monotonicMs();
    let result = "error";
    try {
      await this.#catchUp();
      result = "success";
    } finally {
      const ms = clock.monotonicMs() - startedMs;
      for (const namespace of namespaces) {
        const labels = { lockd_namespace: namespace, lockd_index_flush_result: result };
        measures.observe("lockd.index.flush.duration_ms", ms, labels);
        if (result === "error") measures.count("lockd.index.flush.errors", 1, labels);
      }
    }
  }

  /**
   * Applies pages until one says that there is no more. It is the last look that counts: an object
   * that keeps changing moves on in the order of changes, so no run may stop before its end. Pages
   * grow while more comes in than a page takes, so that the end comes nearer.
   */
  async #catchUp(): Promise<void> {
    const { terms, clock } = this.#parts;
    let since = await terms.cursor();
    let limit = changesPageMin;
    let pagesWhileClosing = 0;
    for (let overtaken = 0; overtaken < overtakenMax; ) {
      if (this.#closed) pagesWhileClosing += 1;
      if (pagesWhileClosing > closingPagesMax) throw failure("index_unavailable", "closing");
      const covered = new Map(this.#pending);
      const page = await this.#changes(since, limit);
      const complete = page?.more === false;
      const batch = page && { ...page, records: page.objects, since, complete, force: false };
      const isNews = batch !== undefined && (batch.cursor !== since || !this.#isComplete);
      const nowMs = clock.wallMs();
      if (batch === undefined || (isNews && !(await this.#apply({ ...batch, nowMs })))) {
        since = await terms.cursor();
        overtaken += 1;
        continue;
      }
      const { cursor, more } = batch;
      since = cursor;
      limit = Math.min(limit * 2, changesPageMax);
      if (!more) {
        this.#covered(covered);
        return;
      }
    }
    throw failure("index_unavailable", "other processes keep changing the index");
  }

  /** False when the index stands elsewhere. */
  async #apply(batch: RecordBatch): Promise<boolean> {
    const applied = (await this.#parts.terms.apply(batch)) === "applied";
    this.#isComplete = applied && batch.complete;
    if (applied) countBatch(this.#parts.measures, batch);
    return applied;
  }

  /** Undefined when the cursor was not of this store, and the index begins anew. */
  async #changes(since: string | undefined, limit: number): Promise<ChangePage | undefined> {
    const { store, terms } = this.#parts;
    if (store.changesSince === undefined) {
      throw failure("index_unavailable", `${store.label} keeps no order of changes`);
    }
    try {
      return await store.changesSince(since, limit);
    } catch (error) {
      const foreign = error instanceof StoreFailure && error.kind === "corrupt";
      if (!foreign || since === undefined) throw error;
      this.#parts.telemetry.warn(log, "index.renewed", { reason: error.message });
      await terms.renew();
      return undefined;
    }
  }

  #covered(counts: ReadonlyMap<string, number>): void {
    for (const [namespace, count] of counts) {
      const left = (this.#pending.get(namespace) ?? 0) - count;
      this.#pending.delete(namespace);
      this.#pendingSince.delete(namespace);
      if (left > 0) {
        this.#pending.set(namespace, left);
        this.#pendingSince.set(namespace, this.#parts.clock.monotonicMs());
      }
      this.#pendingCount -= count;
    }
  }

  /**
   * Reads every record of the namespace and replaces its terms in place: queries have the old or
   * the new ones, never none. What changes meanwhile is behind the cursor, which stays.
   */
  async #takeApartAgain(namespace: string, options: RebuildOptions): Promise<void> {
    const { store, terms, clock } = this.#parts;
    const prefix = recordName(namespace, "");
    let after: string | undefined;
    let documents = 0;
    for (let more = true; more; ) {
      options.signal?.throwIfAborted();
      const since = await terms.cursor();
      const limit = changesPageMin;
      const page = await store.scan(prefix, { after, limit });
      const nowMs = clock.wallMs();
      const batch = { records: page.objects, since, cursor: since ?? "0", nowMs };
      const outcome = await terms.apply({ ...batch, complete: false, force: true });
      // Somebody published in between, perhaps one of these records: look again.
      if (outcome === "overtaken") continue;
      documents += page.objects.length;
      options.onProgress?.(documents);
      after = page.objects.at(-1)?.name;
      more = page.more;
    }
  }

  /** While the index is being made, every key is a candidate. */
  async #allKeys(
    namespace: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ readonly keys: readonly string[]; readonly more: boolean }> {
    const prefix = recordName(namespace, "");
    const start = after === undefined ? {} : { after: prefix + after };
    const { names, more } = await this.#parts.store.list(prefix, { ...start, limit });
    return { keys: names.map((name) => name.slice(prefix.length)), more };
  }

  #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const pause = this.#parts.clock.schedule(ms, resolve);
      signal?.addEventListener("abort", () => {
        pause.cancel();
        resolve();
      });
    });
  }
}

/** The promise, or the abort, whichever is first; the run goes on for others. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** A batch is what other indexes call a segment: documents written to the index together. */
function countBatch(measures: IndexMeasures | undefined, { records }: RecordBatch): void {
  if (measures === undefined || records.length === 0) return;
  const sums = new Map<string, { docs: number; bytes: number }>();
  for (const { name, bytes } of records) {
    const namespace = namespaceOfRecord(name);
    const { docs, bytes: size } = sums.get(namespace) ?? { docs: 0, bytes: 0 };
    sums.set(namespace, { docs: docs + 1, bytes: size + bytes.length });
  }
  for (const [namespace, { docs, bytes }] of sums) {
    const labels = { lockd_namespace: namespace, lockd_index_flush_result: "success" };
    measures.count("lockd.index.segment.written", 1, labels);
    measures.observe("lockd.index.segment.docs", docs, labels);
    measures.observe("lockd.index.segment.size", bytes, labels);
  }
}
