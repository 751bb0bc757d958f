import type { Lease } from "../record/key-record.ts";

/** Leases this process granted or renewed, so that a drain knows what it waits for. */
export class LiveLeases {
  readonly #expiryByName = new Map<string, number>();

  note(name: string, lease: Pick<Lease, "expiresAtUnix"> | undefined): void {
    if (lease === undefined) this.#expiryByName.delete(name);
    else this.#expiryByName.set(name, lease.expiresAtUnix);
  }

  /** Those that still run; forgets the others. */
  count(nowUnix: number): number {
    for (const [name, expiresAtUnix] of this.#expiryByName) {
      if (expiresAtUnix <= nowUnix) this.#expiryByName.delete(name);
    }
    return this.#expiryByName.size;
  }
}
