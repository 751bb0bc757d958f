import type { KeyRecord, Lease } from "../record/key-record.ts";

/** What is remembered of a held key: small, the lease itself is shared with the record. */
export interface HeldKey {
  readonly name: string;
  lease: Lease;
  version: number;
  staged: boolean;
  /** Granted or renewed through this object, so that a drain waits for it. */
  own: boolean;
}

/**
 * Held keys by record name, unordered: noting one costs no more than a map's `set`, because leases
 * change far more often than anybody looks at all of them. Who looks walks through all.
 */
export class HeldLeases {
  readonly #byName = new Map<string, HeldKey>();

  /** A record was written here. */
  note(name: string, record: KeyRecord): void {
    this.#set(name, record, true);
  }

  /** A record was found in the store. */
  found(name: string, record: KeyRecord): void {
    this.#set(name, record, this.#byName.get(name)?.own ?? false);
  }

  get(name: string): HeldKey | undefined {
    return this.#byName.get(name);
  }

  forget(name: string): void {
    this.#byName.delete(name);
  }

  /** All of them, those that ran out meanwhile too. Entries may come and go during the walk. */
  keys(): IterableIterator<HeldKey> {
    return this.#byName.values();
  }

  /** Own leases that still run. */
  countOwn(nowUnix: number): number {
    let count = 0;
    for (const { own, lease } of this.#byName.values()) {
      if (own && lease.expiresAtUnix > nowUnix) count += 1;
    }
    return count;
  }

  #set(name: string, { lease, version, staged }: KeyRecord, own: boolean): void {
    if (lease === undefined) {
      this.#byName.delete(name);
      return;
    }
    const known = this.#byName.get(name);
    if (known === undefined) {
      this.#byName.set(name, { name, lease, version, staged: staged !== undefined, own });
      return;
    }
    known.lease = lease;
    known.version = version;
    known.staged = staged !== undefined;
    known.own = own;
  }
}
