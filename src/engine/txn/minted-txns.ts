import { mintedTxnsMax } from "../limits.ts";
import type { KeyRecord } from "../record/key-record.ts";

/**
 * Transaction ids this process minted for implicit leases that still run, and their keys: when
 * somebody acquires another key under such an id, the first lease has to become part of a joint
 * transaction (section 4.1, H22). Best effort: bounded, and lost with the process.
 */
export class MintedTxns {
  readonly #nameById = new Map<string, string>();

  /** The name of the key's record. */
  find(txnId: string): string | undefined {
    return this.#nameById.get(txnId);
  }

  /** A record changed. */
  note(name: string, before: KeyRecord | undefined, after: KeyRecord): void {
    const ended = before?.lease;
    const lease = after.lease;
    if (ended !== undefined && ended.txnId !== lease?.txnId) this.#nameById.delete(ended.txnId);
    if (lease === undefined || lease.id === ended?.id) return;
    if (lease.explicit || this.#nameById.size >= mintedTxnsMax) return;
    this.#nameById.set(lease.txnId, name);
  }
}
