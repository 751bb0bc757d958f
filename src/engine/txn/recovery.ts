/**
 * Brings recorded transactions to their end (transactions-and-islands.md section 8): at start, in
 * traffic, by the sweeper, and one by one on request. Everything it does is idempotent, so a crash
 * inside recovery is recovered like any other.
 */
import { failure } from "../../api/errors.ts";
import { txnRecoveryWidth, txnReplayInlineMsMax, txnReplayRecordsMax } from "../limits.ts";
import type { Monotonic } from "../ports/clock.ts";
import type { PageOptions } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import type { SweepBudget, SweepSummary } from "../sweep/sweeper.ts";
import type { SweepPart } from "../sweep/whole-sweep.ts";
import type { Coordinator, Settled } from "./coordinator.ts";
import { decodeMarker, decodeTxn } from "./txn-codec.ts";
import type { TxnParts } from "./txn-parts.ts";
import { isDecided, markerPrefix, type TxnRecord, txnPrefix } from "./txn-record.ts";

interface RecoveryRun {
  readonly looked: number;
  /** True when the end was reached. */
  readonly complete: boolean;
}

export class Recovery implements SweepPart {
  readonly #parts: TxnParts;
  readonly #coordinator: Coordinator;
  #cursor: string | undefined;
  #markerCursor: string | undefined;
  #sweepsMarkers = false;
  #lastRunAt: Monotonic | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #isStarting = false;
  #started: Promise<void> = Promise.resolve();

  constructor(parts: TxnParts, coordinator: Coordinator) {
    this.#parts = parts;
    this.#coordinator = coordinator;
  }

  /** Resolves when what was there at the start has been brought to its end, or cannot be now. */
  get started(): Promise<void> {
    return this.#started;
  }

  /** Begins; once. */
  start(): void {
    this.#isStarting = true;
    this.#started = this.#start().finally(() => {
      this.#isStarting = false;
    });
  }

  /**
   * Reads all records where this process is the only writer, and ends what can be ended; reads go
   * on meanwhile. Never rejects: what fails now is looked at again in traffic.
   */
  async #start(): Promise<void> {
    const { log, meter, options } = this.#parts;
    if (!options.store.capabilities.exclusive) return;
    const due: TxnRecord[] = [];
    try {
      await log.load({
        found: (records) => {
          const nowUnix = this.#parts.shell.nowUnix();
          for (const record of records) if (isDue(record, nowUnix)) due.push(record);
        },
        unreadable: (name, error) => this.#unreadable(name, error),
      });
    } catch (error) {
      meter.warn("txn.load.error", { error: String(error) });
      return;
    }
    if (due.length > 0) await this.#driveAll(due);
  }

  /** In traffic: looks at a page of records now and then, without keeping anybody waiting. */
  traffic(): void {
    const { options, log } = this.#parts;
    const { exclusive, atomicPlan } = options.store.capabilities;
    // Where decisions about keys are one write, only those who use transactions look after them.
    if (!exclusive && atomicPlan && !log.isUsed) return;
    this.#look();
  }

  /**
   * The same before messages are looked for, which a decision reaches one by one: then somebody who
   * takes one now and then, and never uses transactions, finds what others left undone. Undefined
   * when there is nothing to wait for.
   */
  messageTraffic(): Promise<void> | undefined {
    return this.#look() ? this.#untilLooked() : undefined;
  }

  /** True when a look has begun. */
  #look(): boolean {
    const { options, settings, log } = this.#parts;
    if (options.store.capabilities.exclusive && log.size === 0) return false;
    const now = options.clock.monotonicMs();
    const isEarly =
      this.#lastRunAt !== undefined && now - this.#lastRunAt < settings.replayIntervalMs;
    if (isEarly || this.#running !== undefined || this.#isStopped || this.#isStarting) return false;
    this.#lastRunAt = now;
    this.#running = this.#page(txnReplayRecordsMax)
      .then(
        () => {},
        (error: unknown) => {
          this.#parts.meter.warn("txn.replay.failed", { error: String(error) });
        },
      )
      .finally(() => {
        this.#running = undefined;
      });
    return true;
  }

  /** Resolves when the look is over, or has taken so long that it goes on by itself. */
  #untilLooked(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.options.clock.schedule(txnReplayInlineMsMax, resolve);
      void this.#running?.finally(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Stops looking by itself, and waits for the look that is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#started;
    await this.#running;
  }

  /** Looks at records and markers within the budget, going on where the last call stopped. */
  async sweep({ opsMax, signal }: SweepBudget): Promise<SweepSummary> {
    const nothingElse = { expiredCleared: 0, orphansDeleted: 0 };
    let looked = 0;
    while (looked < opsMax && signal?.aborted !== true) {
      const limit = Math.min(txnReplayRecordsMax, opsMax - looked);
      const page = await (this.#sweepsMarkers ? this.#markerPage(limit) : this.#page(limit));
      looked += page.looked;
      if (!page.complete) continue;
      this.#sweepsMarkers = !this.#sweepsMarkers;
      if (!this.#sweepsMarkers) return { ...nothingElse, looked, complete: true };
    }
    return { ...nothingElse, looked, complete: false };
  }

  /** Drives one transaction as far as it goes. @throws txn_not_found, what kept it from its end */
  async replay(txnId: string): Promise<TxnRecord["state"]> {
    const { log, meter, shell } = this.#parts;
    return meter.time("replay", txnId, async () => {
      const record = await log.find(txnId);
      if (record !== undefined) {
        if (!isDue(record.record, shell.nowUnix())) return record.record.state;
        const { state, error } = await this.#drive(record.record);
        meter.info("txn.replay.complete", { txn_id: txnId, state });
        if (error !== undefined) throw error;
        return state;
      }
      const marker = (await log.findMarker(txnId))?.marker;
      if (marker === undefined || marker.expiresAtUnix <= shell.nowUnix()) {
        throw failure("txn_not_found", `nothing is known of transaction ${txnId}`);
      }
      return marker.state;
    });
  }

  async #page(limit: number): Promise<RecoveryRun> {
    const { options, shell, log } = this.#parts;
    const nowUnix = shell.nowUnix();
    const known = log.nextKnown(limit);
    if (known !== undefined) {
      await this.#driveAll(known.records.filter((record) => isDue(record, nowUnix)));
      return { looked: known.records.length, complete: known.isLast };
    }
    const page = await callStore(() =>
      options.store.scan(txnPrefix, pageAfter(this.#cursor, limit)),
    );
    const due = page.objects.flatMap(({ name, bytes }) => {
      const record = this.#readable(name, bytes);
      return record !== undefined && isDue(record, nowUnix) ? [record] : [];
    });
    this.#cursor = page.more ? page.objects.at(-1)?.name : undefined;
    await this.#driveAll(due);
    return { looked: page.objects.length, complete: !page.more };
  }

  async #markerPage(limit: number): Promise<RecoveryRun> {
    const { options, shell, meter } = this.#parts;
    const page = await callStore(() =>
      options.store.scan(markerPrefix, pageAfter(this.#markerCursor, limit)),
    );
    this.#markerCursor = page.more ? page.objects.at(-1)?.name : undefined;
    for (const { name, bytes, tag } of page.objects) {
      const marker = this.#decoded(name, () => decodeMarker(name, bytes));
      if (marker === undefined || marker.expiresAtUnix > shell.nowUnix()) continue;
      const when = { kind: "tag" as const, tag };
      const { kind } = await callStore(() => options.store.apply([{ kind: "delete", name, when }]));
      if (kind === "applied") meter.count("decision.marker.deleted");
    }
    return { looked: page.objects.length, complete: !page.more };
  }

  /** Side by side, so that their writes share what a write costs. */
  async #driveAll(records: readonly TxnRecord[]): Promise<void> {
    const { meter, options } = this.#parts;
    const startedMs = options.clock.monotonicMs();
    let next = 0;
    let failed = 0;
    const worker = async (): Promise<void> => {
      for (let record = records[next]; record !== undefined; record = records[next]) {
        next += 1;
        if (this.#isStopped) return;
        const settled = await this.#drive(record).catch((error: unknown) => ({ error }));
        if (settled.error === undefined) continue;
        failed += 1;
        const fields = { txn_id: record.txnId, error: String(settled.error) };
        meter.warn("txn.recovery.failed", fields);
      }
    };
    const width = Math.min(txnRecoveryWidth, records.length);
    await Promise.all(Array.from({ length: width }, worker));
    if (records.length === 0) return;
    meter.count("sweep.applied", records.length - failed);
    meter.count("sweep.failed", failed);
    meter.info("txn.sweeper.summary", {
      looked: records.length,
      failed,
      duration_ms: options.clock.monotonicMs() - startedMs,
    });
  }

  #drive(record: TxnRecord): Promise<Settled> {
    const { meter } = this.#parts;
    if (isDecided(record)) return this.#coordinator.carryOn(record, { isTolerant: true });
    meter.count("sweep.pending_expired");
    const { txnId, tcTerm } = record;
    return this.#coordinator.expire({ txnId, tcTerm });
  }

  #readable(name: string, bytes: Uint8Array): TxnRecord | undefined {
    return this.#decoded(name, () => decodeTxn(name, bytes));
  }

  #decoded<T>(name: string, decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      this.#unreadable(name, error);
      return undefined;
    }
  }

  #unreadable(name: string, error: unknown): void {
    this.#parts.meter.count("sweep.load_errors");
    this.#parts.meter.warn("txn.load.error", { name, error: String(error) });
  }
}

function pageAfter(after: string | undefined, limit: number): PageOptions {
  return after === undefined ? { limit } : { after, limit };
}

/** Decided, or pending beyond its deadline. */
function isDue(record: TxnRecord, nowUnix: number): boolean {
  return isDecided(record) || record.expiresAtUnix <= nowUnix;
}
