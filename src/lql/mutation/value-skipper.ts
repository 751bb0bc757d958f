/** Finds the end of a value in valid compact JSON, wherever the chunks are cut. */
import { byteClasses, plainInString } from "../json/json-bytes.ts";

const quote = 0x22;
const backslash = 0x5c;
const opens = 1;
const closes = 2;
const comma = 3;

/** What a byte outside strings means for nesting; 4 is a quote, 0 everything else. */
const kinds: Uint8Array = (() => {
  const table = new Uint8Array(256);
  table[0x7b] = opens;
  table[0x5b] = opens;
  table[0x7d] = closes;
  table[0x5d] = closes;
  table[0x2c] = comma;
  table[quote] = 4;
  return table;
})();

export class ValueSkipper {
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** True once the value that `start` began has ended. */
  ended = true;

  start(): void {
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    this.ended = false;
  }

  /** Goes on from `from`; the offset behind the value when it ended, else the chunk's length. */
  skip(chunk: Uint8Array, from: number): number {
    const length = chunk.length;
    let at = from;
    while (at < length) {
      if (this.#inString) {
        at = this.#skipString(chunk, at);
        if (this.#inString) return length;
        if (this.#depth === 0) return this.#end(at);
      }
      at = this.#skipPlain(chunk, at);
      if (this.ended) return at;
    }
    return length;
  }

  /** Stops behind the quote that opens a string, or behind the value. */
  #skipPlain(chunk: Uint8Array, from: number): number {
    const length = chunk.length;
    let depth = this.#depth;
    for (let at = from; at < length; at += 1) {
      const kind = kinds[chunk[at] as number] as number;
      if (kind === 0) continue;
      if (kind === 4) {
        this.#inString = true;
        this.#depth = depth;
        return at + 1;
      }
      if (kind === opens) depth += 1;
      else if (depth === 0) return this.#end(at);
      else if (kind === closes) {
        depth -= 1;
        if (depth === 0) return this.#end(at + 1);
      }
    }
    this.#depth = depth;
    return length;
  }

  #skipString(chunk: Uint8Array, from: number): number {
    const length = chunk.length;
    const classes = byteClasses;
    let at = from;
    if (this.#escaped && at < length) {
      this.#escaped = false;
      at += 1;
    }
    while (at < length) {
      while (at < length && ((classes[chunk[at] as number] as number) & plainInString) !== 0) {
        at += 1;
      }
      if (at === length) return at;
      const byte = chunk[at];
      at += 1;
      if (byte === quote) {
        this.#inString = false;
        return at;
      }
      if (byte !== backslash) continue;
      if (at === length) this.#escaped = true;
      else at += 1;
    }
    return at;
  }

  #end(at: number): number {
    this.ended = true;
    return at;
  }
}
