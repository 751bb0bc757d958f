/**
 * Brings recorded transactions to their end (transactions-and-islands.md section 8): at start, in
 * traffic, by the sweeper, and one by one on request. Everything it does is idempotent, so a crash
 * inside recovery is recovered like any other.
 */
import { failure } from "../../api/errors.ts";
import {
  txnRecoveryWidth,
  txnReplayInlineMsMax,
  txnReplayIntervalMs,
  txnReplayRecordsMax,
  txnReplayRunMsMax,
} from "../limits.ts";
import type { Monotonic } from "../ports/clock.ts";
import { callStore } from "../store-failure.ts";
import type { SweepBudget, SweepSummary } from "../sweep/sweeper.ts";
import type { SweepPart } from "../sweep/whole-sweep.ts";
import type { Coordinator, Settled } from "./coordinator.ts";
import type { ExpiredMarkers } from "./expired-markers.ts";
import type { Finisher } from "./finisher.ts";
import { decodeTxn } from "./txn-codec.ts";
import type { SweepMode } from "./txn-meter.ts";
import type { TxnParts } from "./txn-parts.ts";
import { isDecided, type TxnRecord, txnName, txnPrefix } from "./txn-record.ts";

interface RecoveryRun {
  readonly looked: number;
  /** True when the end was reached. */
  readonly complete: boolean;
}

/** On whose account recovery works, and how hard. */
interface Effort {
  readonly mode: SweepMode;
  /** Transactions driven side by side. */
  readonly width: number;
  /** True when no other transaction is to be begun. */
  readonly isOver: () => boolean;
}

export class Recovery implements SweepPart {
  readonly #parts: TxnParts;
  readonly #coordinator: Coordinator;
  readonly #finisher: Finisher;
  readonly #markers: ExpiredMarkers;
  #cursor: string | undefined;
  #sweepsMarkers = false;
  #lastRunAt: Monotonic | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #isStarting = false;
  #started: Promise<void> = Promise.resolve();

  constructor(
    parts: TxnParts,
    helpers: {
      readonly coordinator: Coordinator;
      readonly finisher: Finisher;
      readonly markers: ExpiredMarkers;
    },
  ) {
    this.#parts = parts;
    this.#coordinator = helpers.coordinator;
    this.#finisher = helpers.finisher;
    this.#markers = helpers.markers;
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
        unreadable: (name, error) => meter.unreadable(name, error, "replay"),
      });
    } catch (error) {
      meter.warn("txn.load.error", { error: String(error) });
      return;
    }
    const effort = { mode: "replay", width: txnRecoveryWidth, isOver: () => false } as const;
    await this.#driveAll(due, effort);
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
    // What a process that died had decided comes before the first message of the next one.
    if (this.#isStarting) return this.#within(txnReplayRunMsMax, this.#started);
    return this.#look() ? this.#within(txnReplayInlineMsMax, this.#running) : undefined;
  }

  /** True when a look has begun. */
  #look(): boolean {
    const { options, settings, log } = this.#parts;
    if (options.store.capabilities.exclusive && log.size === 0) return false;
    const now = options.clock.monotonicMs();
    // Who asks for long intervals does not want a look right after the start either.
    if (settings.replayIntervalMs > txnReplayIntervalMs) this.#lastRunAt ??= now;
    const isEarly =
      this.#lastRunAt !== undefined && now - this.#lastRunAt < settings.replayIntervalMs;
    if (isEarly || this.#running !== undefined || this.#isStopped || this.#isStarting) return false;
    this.#lastRunAt = now;
    const isOver = (): boolean => options.clock.monotonicMs() - now > txnReplayRunMsMax;
    const effort = { mode: "transparent", width: txnReplayRecordsMax, isOver } as const;
    this.#running = this.#page(txnReplayRecordsMax, effort)
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
  #within(ms: number, look: Promise<void> | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.options.clock.schedule(ms, resolve);
      void look?.finally(() => {
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
    await this.#markers.stop();
  }

  /** Looks at records and markers within the budget, going on where the last call stopped. */
  async sweep({ opsMax, signal }: SweepBudget): Promise<SweepSummary> {
    const nothingElse = { expiredCleared: 0, orphansDeleted: 0 };
    const isOver = (): boolean => signal?.aborted === true;
    // One at a time: it has to stop at once when somebody needs the server.
    const effort = { mode: "idle", width: 1, isOver } as const;
    let looked = 0;
    while (looked < opsMax && !isOver()) {
      const limit = Math.min(txnReplayRecordsMax, opsMax - looked);
      const look = this.#sweepsMarkers
        ? this.#markers.page(limit, effort)
        : this.#page(limit, effort);
      const page = await look;
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
    const timed = {
      operation: "replay",
      histogram: "txn.replay.duration_ms",
      fields: { txn_id: txnId },
      label: (state: TxnRecord["state"] | undefined) => state ?? "unknown",
    } as const;
    return meter.time(timed, async () => {
      const record = await log.find(txnId);
      if (record !== undefined) return this.#replayRecord(record.record);
      const marker = (await log.findMarker(txnId))?.marker;
      if (marker === undefined || marker.expiresAtUnix <= shell.nowUnix()) {
        throw failure("txn_not_found", `nothing is known of transaction ${txnId}`);
      }
      return marker.state;
    });
  }

  async #replayRecord(record: TxnRecord): Promise<TxnRecord["state"]> {
    const { meter, shell, options } = this.#parts;
    if (!isDue(record, shell.nowUnix())) return record.state;
    const startedMs = options.clock.monotonicMs();
    const { state, error } = await this.#drive(record, "manual");
    meter.count(error === undefined ? "txn.sweep.applied" : "txn.sweep.failed", ["manual"]);
    const duration = options.clock.monotonicMs() - startedMs;
    const fields = { txn_id: record.txnId, state, duration_ms: duration };
    if (error === undefined) meter.info("txn.replay.complete", fields);
    else meter.warn("txn.replay.failed", { ...fields, error: String(error) });
    if (error !== undefined) throw error;
    return state;
  }

  async #page(limit: number, effort: Effort): Promise<RecoveryRun> {
    const { options, shell, log } = this.#parts;
    const nowUnix = shell.nowUnix();
    const known = log.nextKnown(limit);
    if (known !== undefined) {
      const due = known.records.filter((record) => isDue(record, nowUnix));
      const begun = await this.#driveAll(due, effort);
      return {
        looked: known.records.length,
        complete: known.isLast && begun === due.length,
      };
    }
    const page = await callStore(() =>
      options.store.scan(txnPrefix, { after: this.#cursor, limit }),
    );
    const due = page.objects.flatMap(({ name, bytes }) => {
      const record = this.#decoded(name, () => decodeTxn(name, bytes), effort.mode);
      return record !== undefined && isDue(record, nowUnix) ? [record] : [];
    });
    const begun = await this.#driveAll(due, effort);
    if (begun < due.length) {
      // Broken off: the next look goes on behind the last one that was begun.
      const last = due[begun - 1];
      if (last !== undefined) this.#cursor = txnName(last.txnId);
      return { looked: page.objects.length, complete: false };
    }
    this.#cursor = page.more ? page.objects.at(-1)?.name : undefined;
    return { looked: page.objects.length, complete: !page.more };
  }

  /**
   * Side by side, so that their writes share what a write costs. Answers how many it began before
   * it had to stop.
   */
  async #driveAll(records: readonly TxnRecord[], effort: Effort): Promise<number> {
    if (records.length === 0) return 0;
    const { meter, options } = this.#parts;
    const { mode } = effort;
    const startedMs = options.clock.monotonicMs();
    const tally = { next: 0, driven: 0, failed: 0 };
    const timed = {
      operation: "sweep",
      histogram: "txn.sweep.duration_ms",
      fields: { mode, transactions: records.length },
      label: () => mode,
    } as const;
    await meter.time(timed, async () => {
      const width = Math.min(effort.width, records.length);
      await Promise.all(Array.from({ length: width }, () => this.#work(records, tally, effort)));
    });
    const { driven, failed } = tally;
    meter.count("txn.sweep.applied", [mode], driven - failed);
    meter.count("txn.sweep.failed", [mode], failed);
    meter.info("txn.sweeper.summary", {
      ...{ mode, looked: records.length, applied: driven - failed, failed },
      duration_ms: options.clock.monotonicMs() - startedMs,
    });
    return driven;
  }

  /** Drives one record after the other, beside others who take from the same list. */
  async #work(
    records: readonly TxnRecord[],
    tally: { next: number; driven: number; failed: number },
    { mode, isOver }: Effort,
  ): Promise<void> {
    for (let record = records[tally.next]; record !== undefined; record = records[tally.next]) {
      if (this.#isStopped || isOver()) return;
      tally.next += 1;
      const settled = await this.#drive(record, mode).catch((error: unknown) => ({ error }));
      tally.driven += 1;
      if (settled.error === undefined) continue;
      tally.failed += 1;
      const { txnId, state } = record;
      const fields = { txn_id: txnId, state, error: String(settled.error) };
      this.#parts.meter.warn("txn.recovery.failed", fields);
    }
  }

  async #drive(record: TxnRecord, mode: SweepMode): Promise<Settled> {
    const options = { isTolerant: true, mode };
    if (!isDecided(record)) {
      this.#parts.meter.count("txn.sweep.pending_expired", [mode]);
      return this.#coordinator.expire(record, options);
    }
    const settled = await this.#coordinator.carryOn(record, options);
    const isOverdue = record.expiresAtUnix <= this.#parts.shell.nowUnix();
    if (settled.error === undefined || !isOverdue) return settled;
    await this.#finisher.abandon(record, mode);
    // Who asked for this one is told what could not be reached; for a look it is done with.
    return mode === "manual" ? settled : { ...settled, error: undefined };
  }

  #decoded<T>(name: string, decode: () => T, mode: SweepMode): T | undefined {
    try {
      return decode();
    } catch (error) {
      this.#parts.meter.unreadable(name, error, mode);
      return undefined;
    }
  }
}

/** Decided, or pending beyond its deadline. */
function isDue(record: TxnRecord, nowUnix: number): boolean {
  return isDecided(record) || record.expiresAtUnix <= nowUnix;
}
