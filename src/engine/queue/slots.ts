/**
 * A table of messages in arrays of numbers: a million of them take some 60 bytes each and give the
 * garbage collector nothing to look at. Slots are found by message id and used again when freed.
 */
const wordsPerId = 4;
const firstCapacity = 64;
const empty = -1;

/** Where a slot is at the moment. */
export const place = { free: 0, ready: 1, timed: 2, taken: 3, parked: 4 } as const;

export class Slots {
  due = new Float64Array(firstCapacity);
  /** 0: never. */
  expires = new Float64Array(firstCapacity);
  priority = new Int8Array(firstCapacity);
  /** One of `place`. */
  at = new Uint8Array(firstCapacity);
  leased = new Uint8Array(firstCapacity);
  exhausted = new Uint8Array(firstCapacity);
  /** Not a candidate before this instant, whatever the store says; 0: no such thing. */
  held = new Float64Array(firstCapacity);
  /** Number of the last full look at the store that saw it. */
  seen = new Uint32Array(firstCapacity);
  /** Index in the ready or timed heap. */
  heapIndex = new Int32Array(firstCapacity);
  /** Index in its group's heap. */
  groupIndex = new Int32Array(firstCapacity);
  #ids = new Uint32Array(firstCapacity * wordsPerId);
  /** The words of the id being looked for. */
  readonly #probe = new Uint32Array(wordsPerId);
  /** Open addressing: slot, or `empty`. At most half full. */
  #table = new Int32Array(firstCapacity * 2).fill(empty);
  #freed: number[] = [];
  #used = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** One more than the highest slot ever used. */
  get end(): number {
    return this.#used;
  }

  /** The slot of an id, or -1. */
  find(id: string): number {
    const words = wordsOf(id, this.#probe);
    const mask = this.#table.length - 1;
    for (let at = hashOf(words) & mask; ; at = (at + 1) & mask) {
      const slot = this.#table[at] ?? empty;
      if (slot === empty || this.#hasWords(slot, words)) return slot;
    }
  }

  /** A slot for an id that has none. */
  add(id: string): number {
    const slot = this.#freed.pop() ?? this.#used++;
    if (slot >= this.due.length) this.#grow();
    const words = wordsOf(id, this.#probe);
    this.#ids.set(words, slot * wordsPerId);
    this.#count += 1;
    if (this.#count * 2 > this.#table.length) this.#rehash();
    this.#enter(slot, words);
    return slot;
  }

  remove(slot: number): void {
    const mask = this.#table.length - 1;
    let hole = hashOf(this.#words(slot)) & mask;
    while (this.#table[hole] !== slot) hole = (hole + 1) & mask;
    // What stands behind the hole and may not be found across it moves up.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const other = this.#table[at] ?? empty;
      if (other === empty) break;
      const home = hashOf(this.#words(other)) & mask;
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        this.#table[hole] = other;
        hole = at;
      }
    }
    this.#table[hole] = empty;
    this.at[slot] = place.free;
    this.#freed.push(slot);
    this.#count -= 1;
  }

  idOf(slot: number): string {
    let hex = "";
    for (const word of this.#words(slot)) hex += word.toString(16).padStart(8, "0");
    return (
      `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-` +
      `${hex.slice(16, 20)}-${hex.slice(20)}`
    );
  }

  /** True when the id of `one` comes before that of `other` in byte order. */
  idBefore(one: number, other: number): boolean {
    for (let word = 0; word < wordsPerId; word += 1) {
      const left = this.#ids[one * wordsPerId + word] ?? 0;
      const right = this.#ids[other * wordsPerId + word] ?? 0;
      if (left !== right) return left < right;
    }
    return false;
  }

  #words(slot: number): Uint32Array {
    return this.#ids.subarray(slot * wordsPerId, (slot + 1) * wordsPerId);
  }

  #hasWords(slot: number, words: Uint32Array): boolean {
    const at = slot * wordsPerId;
    const ids = this.#ids;
    return (
      ids[at + 3] === words[3] &&
      ids[at + 2] === words[2] &&
      ids[at + 1] === words[1] &&
      ids[at] === words[0]
    );
  }

  #enter(slot: number, words: Uint32Array): void {
    const mask = this.#table.length - 1;
    let at = hashOf(words) & mask;
    while (this.#table[at] !== empty) at = (at + 1) & mask;
    this.#table[at] = slot;
  }

  /** Twice the room, for everything entered so far. */
  #rehash(): void {
    const entered = this.#table.filter((slot) => slot !== empty);
    this.#table = new Int32Array(this.#table.length * 2).fill(empty);
    for (const slot of entered) this.#enter(slot, this.#words(slot));
  }

  #grow(): void {
    const capacity = this.due.length * 2;
    this.due = grown(this.due, new Float64Array(capacity));
    this.expires = grown(this.expires, new Float64Array(capacity));
    this.held = grown(this.held, new Float64Array(capacity));
    this.priority = grown(this.priority, new Int8Array(capacity));
    this.at = grown(this.at, new Uint8Array(capacity));
    this.leased = grown(this.leased, new Uint8Array(capacity));
    this.exhausted = grown(this.exhausted, new Uint8Array(capacity));
    this.seen = grown(this.seen, new Uint32Array(capacity));
    this.heapIndex = grown(this.heapIndex, new Int32Array(capacity));
    this.groupIndex = grown(this.groupIndex, new Int32Array(capacity));
    this.#ids = grown(this.#ids, new Uint32Array(capacity * wordsPerId));
  }
}

function grown<Numbers extends { set(from: Numbers): void }>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}

/** The 128 bits of a UUID text, most significant word first, in `words`. */
function wordsOf(id: string, words: Uint32Array): Uint32Array {
  words[0] = Number.parseInt(id.slice(0, 8), 16);
  words[1] = Number.parseInt(id.slice(9, 13) + id.slice(14, 18), 16);
  words[2] = Number.parseInt(id.slice(19, 23) + id.slice(24, 28), 16);
  words[3] = Number.parseInt(id.slice(28, 36), 16);
  return words;
}

function hashOf(words: Uint32Array): number {
  let hash = words[3] ?? 0;
  hash = Math.imul(hash ^ (words[2] ?? 0), 0x9e3779b1);
  hash = Math.imul(hash ^ (words[1] ?? 0), 0x85ebca6b);
  hash = Math.imul(hash ^ (words[0] ?? 0), 0xc2b2ae35);
  return (hash ^ (hash >>> 15)) >>> 0;
}
