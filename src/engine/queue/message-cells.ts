/**
 * What this process knows of single messages: the cached record, and whose turn it is to change it.
 * Bounded: beyond its maximum the oldest idle cells are forgotten and read again on demand.
 */
import type { VersionTag } from "../ports/store.ts";
import type { StoredMessage } from "./message.ts";

export class MessageCell {
  readonly name: string;
  /** Valid while `loaded`. */
  stored: StoredMessage | undefined;
  tag: VersionTag | undefined;
  loaded = false;
  /** True while somebody changes the record; the next one waits in `turn`. */
  busy = false;
  #queue: (() => void)[] | undefined;

  constructor(name: string) {
    this.name = name;
  }

  set(stored: StoredMessage | undefined, tag: VersionTag | undefined): void {
    this.stored = stored;
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

export class MessageCells {
  readonly #cells = new Map<string, MessageCell>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(name: string): MessageCell {
    const known = this.#cells.get(name);
    if (known !== undefined) return known;
    const cell = new MessageCell(name);
    this.#cells.set(name, cell);
    if (this.#cells.size > this.#max) this.#evict();
    return cell;
  }

  /** Ends a turn. What is gone, and what other processes may change, is not kept. */
  leave(cell: MessageCell, cacheable: boolean): void {
    if (!cacheable) cell.loaded = false;
    if (cell.passTurn()) return;
    if (!cell.loaded || cell.stored === undefined) this.#cells.delete(cell.name);
  }

  #evict(): void {
    for (const [name, cell] of this.#cells) {
      if (cell.busy) continue;
      this.#cells.delete(name);
      if (this.#cells.size <= this.#max) return;
    }
  }
}
