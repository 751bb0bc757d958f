import type { KeyRecord, Lease } from "../record/key-record.ts";

/** What is remembered of a held key: small, the lease itself is shared with the record. */
export interface HeldKey {
  readonly name: string;
  lease: Lease;
  version: number;
  staged: boolean;
  /** Seconds its last grant or renewal was for; undefined where its record does not tell. */
  ttlSeconds: number | undefined;
  /** Granted or renewed through this object, so that a drain waits for it. */
  own: boolean;
}

/** A held key as its record has it. */
export function heldKey(
  name: string,
  ...[record, lease, own]: [KeyRecord, Lease, boolean]
): HeldKey {
  const { version, staged } = record;
  // What was staged since has dated the record anew.
  const ttlSeconds = staged === undefined ? ttlOf(record, lease) : undefined;
  return { name, lease, version, staged: staged !== undefined, ttlSeconds, own };
}

/** Of a record as its lease was granted or renewed. */
function ttlOf({ updatedAtUnix }: KeyRecord, lease: Lease): number {
  return Math.max(0, lease.expiresAtUnix - updatedAtUnix);
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

  #set(name: string, record: KeyRecord, own: boolean): void {
    const { lease, version, staged } = record;
    if (lease === undefined) {
      this.#byName.delete(name);
      return;
    }
    const known = this.#byName.get(name);
    if (known === undefined) {
      this.#byName.set(name, heldKey(name, record, lease, own));
      return;
    }
    // A write that leaves the end where it is says nothing of the time the lease was given.
    if (known.lease.expiresAtUnix !== lease.expiresAtUnix || known.lease.id !== lease.id) {
      known.ttlSeconds = ttlOf(record, lease);
    }
    known.lease = lease;
    known.version = version;
    known.staged = staged !== undefined;
    known.own = own;
  }
}
