import type { Store } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import { decodeMarker, decodeTxn } from "../txn/txn-codec.ts";
import { markerName, type Outcome, txnName } from "../txn/txn-record.ts";

/**
 * Whether a transaction is decided, on a store that others write too: found out by looking. To be
 * asked after a look at the keys, whose changes came after the decision: so both are told together.
 */
export class DecisionLook {
  readonly #store: Store;
  readonly #txnId: string;
  #isKnown = false;

  constructor(store: Store, txnId: string) {
    this.#store = store;
    this.#txnId = txnId;
  }

  /** The decision, the first time that it is there. @throws store errors */
  async news(): Promise<Outcome | undefined> {
    if (this.#isKnown) return undefined;
    const outcome = await this.#outcome();
    this.#isKnown = outcome !== undefined;
    return outcome;
  }

  /** A record of a transaction goes once its marker is there. */
  async #outcome(): Promise<Outcome | undefined> {
    const name = txnName(this.#txnId);
    const record = await callStore(() => this.#store.get(name));
    if (record !== undefined) {
      const { state } = await callStore(async () => decodeTxn(name, record.bytes));
      return state === "pending" ? undefined : state;
    }
    const remembered = markerName(this.#txnId);
    const marker = await callStore(() => this.#store.get(remembered));
    if (marker === undefined) return undefined;
    return (await callStore(async () => decodeMarker(remembered, marker.bytes))).state;
  }
}
