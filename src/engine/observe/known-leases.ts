/**
 * Every held key, for those who look. Where this process is the only writer it knows them all once
 * it has read those that were held before it started; elsewhere each look reads the store.
 */
import { type HeldKey, HeldLeases, heldKey } from "../lease/held-leases.ts";
import { overviewLoadWaitMs, overviewScanRecordsMax, overviewSliceEntries } from "../limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import { type KeyRecord, recordPrefix } from "../record/key-record.ts";
import { breathe, walkRecords } from "./record-walk.ts";

const everything = { kind: "prefix" as const, prefix: recordPrefix };

export class KnownLeases {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #held = new HeldLeases();
  #loading: Promise<void> | undefined;
  #loaded = false;
  #stopped = false;
  /** Names written while a page is being read: the page may be older than what is known. */
  #written: Set<string> | undefined;

  constructor(ports: { readonly store: Store; readonly clock: Clock }) {
    this.#store = ports.store;
    this.#clock = ports.clock;
  }

  /** True when every lease that runs is known: one that is not has ended. */
  get complete(): boolean {
    return this.#loaded;
  }

  note(name: string, record: KeyRecord): void {
    this.#written?.add(name);
    this.#held.note(name, record);
  }

  erased(name: string): void {
    this.#written?.add(name);
    this.#held.forget(name);
  }

  get(name: string): HeldKey | undefined {
    return this.#held.get(name);
  }

  countOwn(nowUnix: number): number {
    return this.#held.countOwn(nowUnix);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Offers every held key; true when that were all. @throws store errors */
  async visit(offer: (key: HeldKey) => void): Promise<boolean> {
    if (!this.#store.capabilities.exclusive) return this.#visitStore(offer);
    await this.load();
    let count = 0;
    for (const key of this.#held.keys()) {
      offer(key);
      count += 1;
      if (count % overviewSliceEntries === 0) await breathe(this.#clock);
    }
    return this.#loaded;
  }

  /** Forgets what ran out and answers it. */
  async takeExpired(nowUnix: number): Promise<readonly HeldKey[]> {
    const expired: HeldKey[] = [];
    let count = 0;
    for (const key of this.#held.keys()) {
      if (key.lease.expiresAtUnix <= nowUnix) {
        this.#held.forget(key.name);
        expired.push(key);
      }
      count += 1;
      if (count % overviewSliceEntries === 0) await breathe(this.#clock);
    }
    return expired;
  }

  /**
   * Begins to read what was held before this process started, once; waits for it a while. What
   * takes longer goes on by itself. @throws store errors
   */
  async load(): Promise<void> {
    if (this.#loaded) return;
    this.#loading ??= this.#load().catch((error) => {
      this.#loading = undefined;
      throw error;
    });
    const enough = Promise.withResolvers<void>();
    const timer = this.#clock.schedule(overviewLoadWaitMs, enough.resolve);
    await Promise.race([this.#loading, enough.promise]).finally(() => timer.cancel());
  }

  async #load(): Promise<void> {
    this.#written = new Set();
    try {
      for await (const page of walkRecords(
        { store: this.#store, clock: this.#clock },
        everything,
      )) {
        if (this.#stopped) return;
        for (const { name, record } of page) {
          if (!this.#written.has(name)) this.#held.found(name, record);
        }
        this.#written = new Set();
      }
      this.#loaded = true;
    } finally {
      this.#written = undefined;
    }
  }

  async #visitStore(offer: (key: HeldKey) => void): Promise<boolean> {
    let looked = 0;
    for await (const page of walkRecords({ store: this.#store, clock: this.#clock }, everything)) {
      for (const { name, record } of page) {
        if (record.lease !== undefined) offer(heldKey(name, record, record.lease, false));
      }
      looked += page.length;
      if (looked >= overviewScanRecordsMax) return false;
    }
    return true;
  }
}
