/**
 * Steps over JSON bytes without decoding them. All take `[from, end)` of a buffer and answer where
 * to go on; an answer of `end` or more says that the buffer ended first.
 */
import {
  backslashByte,
  byteClasses,
  closeBraceByte,
  closeBracketByte,
  delimiter,
  openBraceByte,
  openBracketByte,
  quoteByte,
  space,
  stringStop,
  structure,
} from "./json-bytes.ts";

/** The first quote or backslash. */
export function stringStopFrom(bytes: Uint8Array, from: number, end: number): number {
  const classes = byteClasses;
  let at = from;
  // Four at a time: half of all bytes are inside strings, so this loop is most of a scan's cost.
  while (
    at + 4 <= end &&
    (((classes[bytes[at] as number] as number) |
      (classes[bytes[at + 1] as number] as number) |
      (classes[bytes[at + 2] as number] as number) |
      (classes[bytes[at + 3] as number] as number)) &
      stringStop) ===
      0
  ) {
    at += 4;
  }
  while (at < end && ((classes[bytes[at] as number] as number) & stringStop) === 0) at += 1;
  return at;
}

/**
 * The quote that ends a string, from inside it and not from inside an escape. `end + 1` when the
 * buffer ends between a backslash and what it escapes.
 */
export function closingQuoteFrom(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const near = Math.min(end, at + nearBytes);
    const stop = stringStopFrom(bytes, at, near);
    if (stop < near) {
      if (bytes[stop] === quoteByte) return stop;
      at = stop + 2;
    } else if (near === end || end < bytes.length) {
      at = stop;
    } else {
      const quote = bytes.indexOf(quoteByte, stop);
      const to = quote === -1 ? end : quote;
      if (!isEscaped(bytes, stop, to)) return to;
      at = to + 1;
    }
  }
  return at;
}

/**
 * Plain bytes after which the engine's own search for a quote is faster than a loop, despite the
 * call. It cannot be told where to stop, so it is used where the input stops.
 */
const nearBytes = 64;

/** Whether an odd number of backslashes ends at `to`; `from` is behind whole escapes. */
function isEscaped(bytes: Uint8Array, from: number, to: number): boolean {
  let at = to;
  while (at > from && bytes[at - 1] === backslashByte) at -= 1;
  return (to - at) % 2 === 1;
}

/** The first byte that can follow a number or a literal. */
export function scalarEndFrom(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && ((byteClasses[bytes[at] as number] as number) & delimiter) === 0) at += 1;
  return at;
}

/** The first byte that is no white space. */
export function tokenFrom(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && ((byteClasses[bytes[at] as number] as number) & space) !== 0) at += 1;
  return at;
}

/**
 * The largest place up to `end` where string content may be cut: not inside an escape, nor inside
 * a UTF-8 sequence. `from` must be such a place, and no quote may stand between.
 */
export function stringCut(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (;;) {
    const stop = stringStopFrom(bytes, at, end);
    if (stop >= end) break;
    const length = bytes[stop + 1] === 0x75 ? 6 : 2;
    if (stop + length > end) return stop;
    at = stop + length;
  }
  for (let back = 1; back <= 3 && end - back >= at; back += 1) {
    const byte = bytes[end - back] as number;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? end - back : end;
    }
  }
  return end;
}

/** Passes over a whole object or array by counting brackets, over as many chunks as it takes. */
export class ContainerSkip {
  #depth = 0;
  #inString = false;
  /** A chunk ended behind a backslash. */
  #escaped = false;

  /** To be called behind the opening bracket. */
  start(): void {
    this.#depth = 1;
    this.#inString = false;
    this.#escaped = false;
  }

  get done(): boolean {
    return this.#depth === 0;
  }

  /** Behind the closing bracket when {@link done}, else `end`. */
  run(bytes: Uint8Array, from: number, end: number): number {
    const classes = byteClasses;
    let at = this.#escaped ? from + 1 : from;
    let depth = this.#depth;
    this.#escaped = false;
    if (this.#inString) at = this.#string(bytes, at, end);
    while (depth > 0 && at < end) {
      while (at < end && ((classes[bytes[at] as number] as number) & structure) === 0) at += 1;
      if (at >= end) break;
      const byte = bytes[at] as number;
      at += 1;
      if (byte === quoteByte) at = this.#string(bytes, at, end);
      else if (byte === openBraceByte || byte === openBracketByte) depth += 1;
      else if (byte === closeBraceByte || byte === closeBracketByte) depth -= 1;
    }
    this.#depth = depth;
    return at;
  }

  #string(bytes: Uint8Array, from: number, end: number): number {
    const at = closingQuoteFrom(bytes, from, end);
    this.#inString = at >= end;
    this.#escaped = at > end;
    return this.#inString ? end : at + 1;
  }
}
