/**
 * What the store holds of transactions, and whose turn it is to change one.
 *
 * A process that is the only writer knows all recorded transactions by heart once it has read them
 * (`load`), so that asking for one that does not exist costs no read. Everybody else reads.
 *
 * Order of turns: a transaction's turn is taken before the turns of its keys, never the other way.
 */
import assert from "node:assert";
import { knownTxnsMax, txnLoadPageSize } from "../limits.ts";
import type { Random } from "../ports/random.ts";
import type { Precondition, Step, Store, StoredObject, VersionTag } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import { decodeMarker, decodeTxn, encodeMarker, encodeTxn } from "./txn-codec.ts";
import {
  type DecisionMarker,
  markerName,
  type TxnRecord,
  type TxnView,
  txnName,
  txnPrefix,
} from "./txn-record.ts";

export type Written = "applied" | "conflict" | "unknown";

interface Known {
  readonly record: TxnRecord;
  readonly tag: VersionTag;
}

/** A marker as stored. */
export interface StoredMarker extends StoredObject {
  readonly marker: DecisionMarker;
}

/** Who is told what {@link TxnLog.load} reads. */
export interface TxnReader {
  found(records: readonly TxnRecord[]): void;
  unreadable(name: string, error: unknown): void;
}

/** One transaction in the hands of whoever has its turn. */
export class TxnTurn {
  readonly #log: TxnLog;
  readonly txnId: string;
  #loaded = false;
  #record: TxnRecord | undefined;
  #tag: VersionTag | undefined;
  #marker: StoredMarker | undefined;

  constructor(log: TxnLog, txnId: string) {
    this.#log = log;
    this.txnId = txnId;
  }

  /** The record as it is now. @throws store errors */
  async record(): Promise<TxnRecord | undefined> {
    if (!this.#loaded) {
      const known = await this.#log.find(this.txnId);
      this.#record = known?.record;
      this.#tag = known?.tag;
      this.#loaded = true;
    }
    return this.#record;
  }

  /** With the marker, which is read only where the record does not tell. */
  async view(): Promise<TxnView> {
    const record = await this.record();
    if (record !== undefined) return { record, marker: undefined };
    this.#marker = await this.#log.findMarker(this.txnId);
    return { record, marker: this.#marker?.marker };
  }

  /**
   * The steps that make `next` the record, the last of them; they hold only while everything is as
   * `view` told. A new record is a new use of the id: then that goes for the marker as well, or a
   * transaction that was rolled back and finished meanwhile would begin once more.
   */
  recordSteps(next: TxnRecord): readonly Step[] {
    assert(this.#loaded, "a record is read before it is written");
    const bytes = encodeTxn(next, this.#log.writeId());
    const step: Step = { kind: "put", name: txnName(this.txnId), bytes, when: this.#unchanged() };
    return this.#record === undefined ? [this.#markerGuard(), step] : [step];
  }

  #markerGuard(): Step {
    const name = markerName(this.txnId);
    if (this.#marker === undefined) return { kind: "delete", name, when: { kind: "absent" } };
    const { bytes, tag } = this.#marker;
    return { kind: "put", name, bytes, when: { kind: "tag", tag } };
  }

  /** The steps that finish it: the marker is there before the record goes. */
  finishSteps(marker: DecisionMarker): readonly Step[] {
    assert(this.#tag !== undefined, "only a recorded transaction is finished");
    const bytes = encodeMarker(marker, this.#log.writeId());
    return [
      { kind: "put", name: markerName(this.txnId), bytes, when: { kind: "any" } },
      { kind: "delete", name: txnName(this.txnId), when: this.#unchanged() },
    ];
  }

  /** What became of steps of this transaction in a plan. */
  settle(written: Written, now: Known | undefined): void {
    this.#loaded = written === "applied";
    this.#record = now?.record;
    this.#tag = now?.tag;
    this.#log.note(this.txnId, written === "applied" ? now : "unsure");
  }

  /** Writes the record by itself. */
  async put(next: TxnRecord): Promise<Written> {
    const isNew = this.#record === undefined;
    const result = await this.#log.apply(this.recordSteps(next));
    const tag = result.kind === "applied" ? result.tags.at(-1) : undefined;
    this.settle(result.kind, tag === undefined ? undefined : { record: next, tag });
    if (isNew && tag !== undefined && next.state === "pending") return this.#confirm(next, tag);
    return result.kind;
  }

  /**
   * Without atomic plans the marker may have come between the look at it and the record; it is
   * there for good by the time its own record is gone, so one more look tells.
   */
  async #confirm(next: TxnRecord, tag: VersionTag): Promise<Written> {
    if (this.#log.isAtomic) return "applied";
    const marker = await this.#log.findMarker(this.txnId);
    if (marker?.tag === this.#marker?.tag) return "applied";
    const when = { kind: "tag" as const, tag };
    await this.#log.apply([{ kind: "delete", name: txnName(next.txnId), when }]);
    this.settle("conflict", undefined);
    return "conflict";
  }

  /** Replaces the record by its marker. */
  async finish(marker: DecisionMarker): Promise<Written> {
    const result = await this.#log.apply(this.finishSteps(marker));
    this.settle(result.kind, undefined);
    return result.kind;
  }

  #unchanged(): Precondition {
    return this.#tag === undefined ? { kind: "absent" } : { kind: "tag", tag: this.#tag };
  }
}

export class TxnLog {
  readonly #store: Store;
  readonly #random: Random;
  /** Records as last known; complete when `#isComplete`. */
  readonly #known = new Map<string, Known>();
  /** Written with an outcome nobody told us, or unreadable: to be read before anything is said. */
  readonly #unsure = new Set<string>();
  readonly #turns = new Map<string, (() => void)[]>();
  #isComplete = false;
  #isUsed = false;
  #walk: Iterator<Known, undefined> | undefined;
  /** Changed while `load` reads: what it finds of them may be old. */
  #changed: Set<string> | undefined;

  constructor(ports: { readonly store: Store; readonly random: Random }) {
    this.#store = ports.store;
    this.#random = ports.random;
  }

  /** True once this process had to do with any transaction of several participants. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** Runs `work` while nobody else in this process works on the transaction. */
  async exclusively<T>(txnId: string, work: (turn: TxnTurn) => Promise<T>): Promise<T> {
    this.#isUsed = true;
    const line = this.#turns.get(txnId);
    if (line === undefined) this.#turns.set(txnId, []);
    else await new Promise<void>((resolve) => line.push(resolve));
    try {
      return await work(new TxnTurn(this, txnId));
    } finally {
      const next = this.#turns.get(txnId)?.shift();
      if (next === undefined) this.#turns.delete(txnId);
      else next();
    }
  }

  /** True when the transaction is recorded, as far as this process knows without reading. */
  isKnown(txnId: string): boolean {
    return this.#known.has(txnId) || this.#unsure.has(txnId);
  }

  /** How many are known; 0 also while nothing was read yet. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * Up to `limit` records from memory, going on where the last call stopped; undefined where memory
   * does not hold them all. `isLast` when the end was reached.
   */
  nextKnown(
    limit: number,
  ): { readonly records: readonly TxnRecord[]; readonly isLast: boolean } | undefined {
    if (!this.#isComplete || this.#unsure.size > 0) return undefined;
    this.#walk ??= this.#known.values();
    const records: TxnRecord[] = [];
    while (records.length < limit) {
      const { done, value } = this.#walk.next();
      if (done === true) {
        this.#walk = undefined;
        return { records, isLast: true };
      }
      records.push(value.record);
    }
    return { records, isLast: false };
  }

  /**
   * Reads all recorded transactions, page by page, handing each page on. Only where this process is
   * the only writer; elsewhere what was read is old at once.
   * @throws store errors
   */
  async load(reader: TxnReader): Promise<void> {
    if (!this.#store.capabilities.exclusive) return;
    this.#changed = new Set();
    try {
      await this.#loadPages(reader, this.#changed);
      this.#isComplete = this.#known.size < knownTxnsMax;
    } finally {
      this.#changed = undefined;
    }
  }

  async #loadPages(reader: TxnReader, changed: ReadonlySet<string>): Promise<void> {
    let after: string | undefined;
    for (let more = true; more; ) {
      const limit = txnLoadPageSize;
      const page = await callStore(() => this.#store.scan(txnPrefix, { after, limit }));
      const records: TxnRecord[] = [];
      for (const { name, bytes, tag } of page.objects) {
        after = name;
        const txnId = name.slice(txnPrefix.length);
        if (changed.has(txnId) || this.#known.has(txnId)) continue;
        const record = readable(name, bytes, reader);
        if (record === undefined) this.#unsure.add(txnId);
        else {
          this.#remember(txnId, { record, tag });
          records.push(record);
        }
      }
      reader.found(records);
      more = page.more;
    }
  }

  /** @throws store errors */
  async find(txnId: string): Promise<Known | undefined> {
    const isKnowable = this.#store.capabilities.exclusive && !this.#unsure.has(txnId);
    const known = isKnowable ? this.#known.get(txnId) : undefined;
    if (known !== undefined || (isKnowable && this.#isComplete)) return known;
    const name = txnName(txnId);
    const stored = await callStore(() => this.#store.get(name));
    if (stored === undefined) {
      this.#unsure.delete(txnId);
      return undefined;
    }
    const record = await callStore(async () => decodeTxn(name, stored.bytes));
    const read = { record, tag: stored.tag };
    this.#remember(txnId, read);
    return read;
  }

  /** @throws store errors */
  async findMarker(txnId: string): Promise<StoredMarker | undefined> {
    const name = markerName(txnId);
    const stored = await callStore(() => this.#store.get(name));
    if (stored === undefined) return undefined;
    const marker = await callStore(async () => decodeMarker(name, stored.bytes));
    return { ...stored, marker };
  }

  get isAtomic(): boolean {
    return this.#store.capabilities.atomicPlan;
  }

  /** @throws store errors */
  apply(steps: readonly Step[]): ReturnType<Store["apply"]> {
    return callStore(() => this.#store.apply(steps));
  }

  writeId(): string {
    return this.#random.xid();
  }

  /** What is known of a transaction after a write; "unsure": it has to be read again. */
  note(txnId: string, now: Known | undefined | "unsure"): void {
    this.#changed?.add(txnId);
    this.#unsure.delete(txnId);
    if (now !== undefined && now !== "unsure") {
      this.#remember(txnId, now);
      return;
    }
    this.#known.delete(txnId);
    // Not knowing one is not the same as knowing that there is none.
    if (now === "unsure" && this.#store.capabilities.exclusive) this.#unsure.add(txnId);
  }

  #remember(txnId: string, known: Known): void {
    if (!this.#store.capabilities.exclusive) return;
    this.#unsure.delete(txnId);
    if (this.#known.size < knownTxnsMax || this.#known.has(txnId)) this.#known.set(txnId, known);
    else this.#isComplete = false;
  }
}

function readable(name: string, bytes: Uint8Array, reader: TxnReader): TxnRecord | undefined {
  try {
    return decodeTxn(name, bytes);
  } catch (error) {
    reader.unreadable(name, error);
    return undefined;
  }
}
