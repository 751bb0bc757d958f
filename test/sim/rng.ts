/** Seeded randomness: everything a run does follows from one number. Not for cryptography. */

const two32 = 2 ** 32;

function hashText(text: string, seed: number): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return hash;
}

/** A small fast counter-based generator (the "small fast counting" family, 128 bits of state). */
export class Rng {
  #a: number;
  #b: number;
  #c: number;
  #count: number;

  constructor(seed: number, label = "") {
    this.#a = hashText(label, seed >>> 0);
    this.#b = hashText(`${label}/b`, Math.floor(seed / two32) >>> 0);
    this.#c = seed >>> 0;
    this.#count = 1;
    for (let warm = 0; warm < 12; warm += 1) this.next();
  }

  /** An independent stream; taking it does not disturb this one beyond one draw. */
  fork(label: string): Rng {
    return new Rng(this.next(), label);
  }

  /** Uniform integer in [0, 2^32). */
  next(): number {
    const sum = (this.#a + this.#b + this.#count) >>> 0;
    this.#count = (this.#count + 1) >>> 0;
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0;
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    return this.next() / two32;
  }

  /** Uniform integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  between(from: number, to: number): number {
    return from + this.fraction() * (to - from);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  /** One of the names, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries(weights) as [Name, number][];
    let total = 0;
    for (const [, weight] of entries) total += weight;
    let left = this.fraction() * total;
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return (entries[entries.length - 1] as [Name, number])[0];
  }
}
