/**
 * What this process knows of single records, of keys or of messages: the cached one, and whose turn
 * it is to change it. Bounded: beyond a maximum the oldest idle cells are forgotten and read again
 * on demand.
 */
import type { VersionTag } from "../ports/store.ts";

export class RecordCell<T> {
  readonly name: string;
  /** Valid while `loaded`. */
  record: T | undefined;
  tag: VersionTag | undefined;
  loaded = false;
  /** True while somebody changes the record; the next one waits in `turn`. */
  busy = false;
  #queue: (() => void)[] | undefined;

  constructor(name: string) {
    this.name = name;
  }

  set(record: T | undefined, tag: VersionTag | undefined): void {
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

export interface CellLimits {
  /** Cells at most, those in use apart. */
  readonly max: number;
  /** True when it is worth knowing that there is no record: keys come back, messages never do. */
  readonly keepsAbsent: boolean;
}

export class RecordCells<T> {
  readonly #cells = new Map<string, RecordCell<T>>();
  readonly #limits: CellLimits;

  constructor(limits: CellLimits) {
    this.#limits = limits;
  }

  peek(name: string): RecordCell<T> | undefined {
    return this.#cells.get(name);
  }

  get(name: string): RecordCell<T> {
    const known = this.#cells.get(name);
    if (known !== undefined) return known;
    const cell = new RecordCell<T>(name);
    this.#cells.set(name, cell);
    if (this.#cells.size > this.#limits.max) this.#evict();
    return cell;
  }

  /** Ends a turn. What other processes may change is not kept. */
  leave(cell: RecordCell<T>, cacheable: boolean): void {
    if (!cacheable) cell.loaded = false;
    if (cell.passTurn()) return;
    const isWorthIt = cell.record !== undefined || this.#limits.keepsAbsent;
    if (!cell.loaded || !isWorthIt) this.#cells.delete(cell.name);
  }

  #evict(): void {
    for (const [name, cell] of this.#cells) {
      if (cell.busy) continue;
      this.#cells.delete(name);
      if (this.#cells.size <= this.#limits.max) return;
    }
  }
}
