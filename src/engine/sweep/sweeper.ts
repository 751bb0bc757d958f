/**
 * Background tidying, never needed for correctness: clears leases that ran out on keys nobody
 * touches, and deletes objects of states and attachments that no record points at (left by a crash
 * between writing a body and writing the record).
 *
 * The race it must not lose: a body that was just written and whose record write is still to come.
 * An object is therefore deleted only when it was seen unreferenced twice, further apart than the
 * longest lease: whoever wrote it can no longer hold a lease that lets it point a record there.
 */

import { isQueueStateKey } from "../../api/names.ts";
import { cleanedIfExpired } from "../lease/lease-rules.ts";
import {
  orphanAgeMsMin,
  orphanCandidatesMax,
  sweepPageSize,
  sweepSafetyMarginMs,
} from "../limits.ts";
import type { Meter } from "../metering/meter.ts";
import type { EngineOptions } from "../options.ts";
import type { Monotonic } from "../ports/clock.ts";
import type { PageOptions } from "../ports/store.ts";
import { InDoubt } from "../record/in-doubt.ts";
import {
  type KeyRecord,
  keyOfRecordName,
  recordName,
  recordPrefix,
  stateObjectPrefix,
} from "../record/key-record.ts";
import { decodeRecord } from "../record/record-codec.ts";
import { referencedObjects } from "../record/record-objects.ts";
import type { RecordShell } from "../record/record-shell.ts";
import { callStore } from "../store-failure.ts";
import { keep, write } from "../transition.ts";
import { sparing } from "./sparing.ts";

/** What one run did. */
export interface SweepSummary {
  readonly looked: number;
  readonly expiredCleared: number;
  readonly orphansDeleted: number;
  /** True when the run ended because everything was looked at, not because of its budget. */
  readonly complete: boolean;
}

export interface SweepBudget {
  /** Objects looked at in this run. */
  readonly opsMax: number;
  /** Asked before every object: the run is to end there. */
  readonly signal: { readonly aborted: boolean } | undefined;
  /** Milliseconds after which the run ends; none when absent. */
  readonly runtimeMsMax?: number;
}

export interface SweeperPorts {
  readonly options: EngineOptions;
  readonly shell: RecordShell;
  readonly meter: Meter;
}

interface Run {
  looked: number;
  expiredCleared: number;
  orphansDeleted: number;
  readonly budget: SweepBudget;
}

/** Objects that records point at, by the names of the records; for one page. */
type SeenRecords = Map<string, ReadonlySet<string>>;

/** `b/<namespace>/<key...>/<id>` -> the name of the key's record; undefined for foreign names. */
function ownerRecordName(objectName: string): string | undefined {
  const parts = objectName.split("/");
  const namespace = parts[1];
  const key = parts.slice(2, -1).join("/");
  return namespace === undefined || key === "" ? undefined : recordName(namespace, key);
}

export class Sweeper {
  readonly #options: EngineOptions;
  readonly #shell: RecordShell;
  readonly #meter: Meter;
  /** Unreferenced objects and when they were first seen so. */
  readonly #candidates = new Map<string, Monotonic>();
  readonly #alsoRecord: (name: string) => Promise<void>;
  #cursor: string | undefined;
  #sweepsRecords = true;

  /** `alsoRecord` is told the name of every record, for what else hangs off a key. */
  constructor(
    { options, shell, meter }: SweeperPorts,
    alsoRecord: (name: string) => Promise<void> = async () => {},
  ) {
    this.#options = options;
    this.#shell = shell;
    this.#meter = meter;
    this.#alsoRecord = alsoRecord;
  }

  /** Goes on where the last run stopped, within the budget. */
  async sweep(budget: SweepBudget): Promise<SweepSummary> {
    const run: Run = { looked: 0, expiredCleared: 0, orphansDeleted: 0, budget };
    let complete = false;
    while (!complete && !this.#spent(run)) complete = await this.#page(run);
    const { looked, expiredCleared, orphansDeleted } = run;
    return { looked, expiredCleared, orphansDeleted, complete };
  }

  #spent(run: Run): boolean {
    return run.looked >= run.budget.opsMax || run.budget.signal?.aborted === true;
  }

  /** One page; true when the last prefix is done. */
  #page(run: Run): Promise<boolean> {
    const limit = Math.min(sweepPageSize, run.budget.opsMax - run.looked);
    const options = { after: this.#cursor, limit };
    return this.#sweepsRecords ? this.#recordPage(run, options) : this.#objectPage(run, options);
  }

  async #recordPage(run: Run, options: PageOptions): Promise<boolean> {
    const page = await callStore(() => this.#options.store.scan(recordPrefix, options));
    for (const { name, bytes } of page.objects) {
      if (run.budget.signal?.aborted === true) return false;
      run.looked += 1;
      await sparing(this.#options.telemetry, name, async () => {
        await this.#sweepRecord(decodeRecord(name, bytes).record, name, run);
        await this.#alsoRecord(name);
      });
      this.#cursor = name;
    }
    if (page.more) return false;
    this.#sweepsRecords = false;
    this.#cursor = undefined;
    return false;
  }

  async #objectPage(run: Run, options: PageOptions): Promise<boolean> {
    const page = await callStore(() => this.#options.store.listStreams(stateObjectPrefix, options));
    const seen: SeenRecords = new Map();
    for (const name of page.names) {
      // A page that is broken off is looked at again from its start: nothing is done twice by it.
      if (run.budget.signal?.aborted === true) return false;
      run.looked += 1;
      await sparing(this.#options.telemetry, name, () => this.#sweepObject(name, run, seen));
    }
    this.#cursor = page.next;
    this.#sweepsRecords = page.next === undefined;
    return this.#sweepsRecords;
  }

  async #sweepRecord(record: KeyRecord, name: string, run: Run): Promise<void> {
    if (cleanedIfExpired(record, this.#shell.nowUnix()) === undefined) return;
    try {
      const cleared = await this.#shell.transact(name, (current, nowUnix) => {
        const cleaned = current === undefined ? undefined : cleanedIfExpired(current, nowUnix);
        return cleaned === undefined ? keep(false) : write(cleaned.record, true, cleaned.garbage);
      });
      if (!cleared) return;
      run.expiredCleared += 1;
      const kind = isQueueStateKey(keyOfRecordName(name)) ? "queue_state" : "lock";
      this.#meter.count("sweep.lease.cleared", ["idle", kind]);
    } catch (error) {
      // A joint transaction nobody can tell about: left for the next run.
      if (!(error instanceof InDoubt)) throw error;
    }
  }

  async #sweepObject(name: string, run: Run, seen: SeenRecords): Promise<void> {
    if (await this.#isReferenced(name, seen)) {
      this.#candidates.delete(name);
      return;
    }
    const now = this.#options.clock.monotonicMs();
    const since = this.#candidates.get(name);
    if (since === undefined) {
      if (this.#candidates.size < orphanCandidatesMax) this.#candidates.set(name, now);
      return;
    }
    if (now - since < this.#orphanAgeMs()) return;
    // What was seen earlier in this page may be old by now: look once more before it is too late.
    if (await this.#isReferenced(name, new Map())) return;
    await callStore(() => this.#options.store.deleteStream(name));
    this.#candidates.delete(name);
    run.orphansDeleted += 1;
    this.#meter.count("txn.staging.orphans", []);
    // States and attachments are objects alike: by their names nobody can tell which this was.
    this.#meter.count("staging.orphans", ["object"]);
  }

  /** A key may have a thousand payloads on one page: its record is read once for all of them. */
  async #isReferenced(name: string, seen: SeenRecords): Promise<boolean> {
    const owner = ownerRecordName(name);
    if (owner === undefined) return false;
    const known = seen.get(owner);
    if (known !== undefined) return known.has(name);
    const record = await this.#peek(owner);
    const objects = new Set(record === undefined ? [] : referencedObjects(record));
    seen.set(owner, objects);
    return objects.has(name);
  }

  /** Reads past the cache, so that a sweep does not push out what is in use. */
  async #peek(name: string): Promise<KeyRecord | undefined> {
    const stored = await callStore(() => this.#options.store.get(name));
    return stored === undefined ? undefined : decodeRecord(name, stored.bytes).record;
  }

  #orphanAgeMs(): number {
    const longestLeaseMs = this.#options.maxTtlSeconds * 1000;
    return Math.max(orphanAgeMsMin, longestLeaseMs + sweepSafetyMarginMs);
  }
}
