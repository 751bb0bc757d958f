import { changesPrefix } from "../../../engine/ports/store.ts";

/** Entries that nobody needs any more, beyond which the log is cut. */
const cutAfter = 4_096;

/**
 * The order in which tracked objects became durable in the journal: of each write its name and
 * sequence, for as long as its segment was not moved into SQLite. Bounded with the segments.
 */
export class ChangeLog {
  #names: string[] = [];
  #sequences: number[] = [];
  /** Everything before is in SQLite. */
  #from = 0;
  #last: number;

  constructor(last: number) {
    this.#last = last;
  }

  /** Sequence of the newest durable write of any name. */
  get last(): number {
    return this.#last;
  }

  /** Writes are noted in the order of their sequences, which is the order of frames. */
  note(name: string, sequence: number): void {
    this.#last = sequence;
    if (!name.startsWith(changesPrefix)) return;
    this.#names.push(name);
    this.#sequences.push(sequence);
  }

  /** Forgets what SQLite has now. */
  moved(lastSequence: number): void {
    this.#from = this.#firstAfter(lastSequence);
    if (this.#from < cutAfter) return;
    this.#names = this.#names.slice(this.#from);
    this.#sequences = this.#sequences.slice(this.#from);
    this.#from = 0;
  }

  /** Names and sequences of the writes after one, oldest first; a name comes once a write. */
  *after(sequence: number): Generator<{ readonly name: string; readonly seq: number }> {
    for (let at = this.#firstAfter(sequence); at < this.#names.length; at += 1) {
      yield { name: this.#names[at] ?? "", seq: this.#sequences[at] ?? 0 };
    }
  }

  #firstAfter(sequence: number): number {
    let [low, high] = [this.#from, this.#sequences.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sequences[middle] ?? 0) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
