/**
 * What this process knows of each key: the cached record, and whose turn it is to change it.
 * Bounded: beyond `cachedRecordsMax` the oldest idle cells are forgotten and read again on demand.
 */
import { cachedRecordsMax } from "../limits.ts";
import type { VersionTag } from "../ports/store.ts";
import type { KeyRecord } from "./key-record.ts";

export class RecordCell {
  readonly name: string;
  /** Valid while `loaded`. */
  record: KeyRecord | undefined;
  tag: VersionTag | undefined;
  loaded = false;
  /** True while somebody changes the record; the next one waits in `turn`. */
  busy = false;
  #queue: (() => void)[] | undefined;

  constructor(name: string) {
    this.name = name;
  }

  set(record: KeyRecord | undefined, tag: VersionTag | undefined): void {
    this.record = record;
    this.tag = tag;
    this.loaded = true;
  }

  /** Resolves when it is the caller's turn; `busy` stays set. First come, first served. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#queue ??= [];
      this.#queue.push(resolve);
    });
  }

  /** Hands the turn on; false when nobody waits. */
  passTurn(): boolean {
    const next = this.#queue?.shift();
    if (next === undefined) {
      this.busy = false;
      this.#queue = undefined;
      return false;
    }
    next();
    return true;
  }
}

export class RecordCells {
  readonly #cells = new Map<string, RecordCell>();

  peek(name: string): RecordCell | undefined {
    return this.#cells.get(name);
  }

  get(name: string): RecordCell {
    const known = this.#cells.get(name);
    if (known !== undefined) return known;
    const cell = new RecordCell(name);
    this.#cells.set(name, cell);
    if (this.#cells.size > cachedRecordsMax) this.#evict();
    return cell;
  }

  /** Ends a turn. What other processes may change is not kept. */
  leave(cell: RecordCell, cacheable: boolean): void {
    if (!cacheable) cell.loaded = false;
    if (cell.passTurn()) return;
    if (!cell.loaded) this.#cells.delete(cell.name);
  }

  #evict(): void {
    for (const [name, cell] of this.#cells) {
      if (cell.busy) continue;
      this.#cells.delete(name);
      if (this.#cells.size <= cachedRecordsMax) return;
    }
  }
}
