/**
 * Byte-level JSON check and compaction in one pass (http-core.md section 9): the stored bytes are
 * the input minus white space outside strings, and nothing else changes. Nothing is decoded; the
 * machine keeps one bit a level of nesting, and chunks may be cut anywhere.
 */
import { byteClasses, digit, hexDigit, plainInString, simpleEscape, space } from "./json-bytes.ts";
import { JsonSyntaxError } from "./json-syntax-error.ts";

export { JsonSyntaxError };

/** States between tokens: white space may come. */
const expectValue = 0;
const expectElementOrEnd = 1;
const expectNameOrEnd = 2;
const expectName = 3;
const expectColon = 4;
const afterElement = 5;
const afterMember = 6;
const done = 7;
/** Inside a number: white space ends it where it may end. */
const numberMinus = 10;
const numberZero = 11;
const numberInteger = 12;
const numberPoint = 13;
const numberFraction = 14;
const numberExponentMark = 15;
const numberExponentSign = 16;
const numberExponent = 17;
/** Inside other tokens: white space is content or an error. */
const insideString = 20;
const insideEscape = 21;
const insideUnicode = 22;
const insideLiteral = 23;

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const emptyBytes = new Uint8Array(0);
const literalTrue = Buffer.from("true");
const literalFalse = Buffer.from("false");
const literalNull = Buffer.from("null");

export class JsonCompactor {
  readonly #depthMax: number;
  /** One bit a level: set = object. */
  #levels = new Uint8Array(8);
  #depth = 0;
  #state = expectValue;
  #stringIsName = false;
  #unicodeLeft = 0;
  #literal: Uint8Array = emptyBytes;
  #literalAt = 0;
  /** Raw bytes of the chunks before the current one. */
  #before = 0;
  #out: Uint8Array = emptyBytes;
  #written = 0;

  constructor(options: { readonly depthMax: number }) {
    this.#depthMax = options.depthMax;
  }

  /**
   * The compacted bytes of one more chunk: the chunk itself, a view of it, or a view of a buffer
   * which the next push uses again.
   * @throws JsonSyntaxError
   */
  push(chunk: Uint8Array): Uint8Array {
    const length = chunk.length;
    let runStart = 0;
    let at = 0;
    this.#written = 0;
    while (at < length) {
      if (this.#state === insideString) {
        at = this.#passString(chunk, at);
        continue;
      }
      const byte = chunk[at] as number;
      if (((byteClasses[byte] as number) & space) !== 0 && this.#state < insideString) {
        if (this.#state >= numberMinus) this.#endNumber(at);
        this.#copy(chunk, runStart, at);
        do at += 1;
        while (at < length && ((byteClasses[chunk[at] as number] as number) & space) !== 0);
        runStart = at;
      } else if (byte === quote && this.#state <= expectName) {
        // This one and the next two are most of what is not inside a token; no call for them.
        this.#startString(this.#state >= expectNameOrEnd);
        at += 1;
      } else if (byte === colon && this.#state === expectColon) {
        this.#state = expectValue;
        at += 1;
      } else if (byte === comma && this.#state === afterMember) {
        this.#state = expectName;
        at += 1;
      } else if (this.#step(byte, at)) {
        at += 1;
      }
    }
    this.#before += length;
    if (this.#written === 0) return runStart === 0 ? chunk : chunk.subarray(runStart);
    this.#copy(chunk, runStart, length);
    return this.#out.subarray(0, this.#written);
  }

  /** @throws JsonSyntaxError when the value is not complete */
  end(): void {
    if (this.#state >= numberMinus && this.#state < insideString) this.#endNumber(0);
    if (this.#state !== done) this.#fail("the value is not complete", 0);
  }

  /** Keeps chunk[from, to); the buffer is as large as the chunk, the most that can be kept. */
  #copy(chunk: Uint8Array, from: number, to: number): void {
    if (from === to) return;
    if (this.#out.length < chunk.length) this.#out = new Uint8Array(chunk.length);
    if (to - from < 24) {
      const out = this.#out;
      let written = this.#written;
      for (let at = from; at < to; at += 1) out[written++] = chunk[at] as number;
      this.#written = written;
      return;
    }
    this.#out.set(chunk.subarray(from, to), this.#written);
    this.#written += to - from;
  }

  /** Skips the plain bytes of a string; stops behind its quote or in another state. */
  #passString(chunk: Uint8Array, from: number): number {
    const length = chunk.length;
    const classes = byteClasses;
    let at = from;
    // Four at a time: half of all bytes are inside strings, so this loop is what compaction costs.
    while (
      at + 4 <= length &&
      ((classes[chunk[at] as number] as number) &
        (classes[chunk[at + 1] as number] as number) &
        (classes[chunk[at + 2] as number] as number) &
        (classes[chunk[at + 3] as number] as number) &
        plainInString) !==
        0
    ) {
      at += 4;
    }
    while (at < length && ((classes[chunk[at] as number] as number) & plainInString) !== 0) at += 1;
    if (at === length) return at;
    const byte = chunk[at] as number;
    if (byte === quote) {
      if (this.#stringIsName) this.#state = expectColon;
      else this.#endValue();
    } else if (byte === 0x5c) {
      this.#state = insideEscape;
    } else {
      this.#fail("control character in a string", at);
    }
    return at + 1;
  }

  /** Takes one byte; false when it only ended a number and must be looked at again. */
  #step(byte: number, at: number): boolean {
    const state = this.#state;
    if (state >= insideString) this.#insideToken(byte, at);
    else if (state >= numberMinus) return this.#number(byte, at);
    else this.#between(byte, at);
    return true;
  }

  #insideToken(byte: number, at: number): void {
    const kind = byteClasses[byte] as number;
    if (this.#state === insideEscape) {
      if ((kind & simpleEscape) !== 0) this.#state = insideString;
      else if (byte === 0x75) {
        this.#unicodeLeft = 4;
        this.#state = insideUnicode;
      } else this.#fail("unknown escape in a string", at);
    } else if (this.#state === insideUnicode) {
      if ((kind & hexDigit) === 0) this.#fail("\\u needs four hex digits", at);
      this.#unicodeLeft -= 1;
      if (this.#unicodeLeft === 0) this.#state = insideString;
    } else {
      if (byte !== this.#literal[this.#literalAt]) this.#fail("unknown literal", at);
      this.#literalAt += 1;
      if (this.#literalAt === this.#literal.length) this.#endValue();
    }
  }

  #between(byte: number, at: number): void {
    switch (this.#state) {
      case expectElementOrEnd:
        if (byte === 0x5d) this.#close();
        else this.#startValue(byte, at);
        return;
      case expectValue:
        this.#startValue(byte, at);
        return;
      case expectNameOrEnd:
      case expectName:
        if (byte === 0x7d && this.#state === expectNameOrEnd) this.#close();
        else if (byte === quote) this.#startString(true);
        else this.#fail('a name in double quotes or "}" must come here', at);
        return;
      case expectColon:
        if (byte !== colon) this.#fail('":" must come here', at);
        this.#state = expectValue;
        return;
      case afterElement:
        if (byte === comma) this.#state = expectValue;
        else if (byte === 0x5d) this.#close();
        else this.#fail('"," or "]" must come here', at);
        return;
      case afterMember:
        if (byte === comma) this.#state = expectName;
        else if (byte === 0x7d) this.#close();
        else this.#fail('"," or "}" must come here', at);
        return;
      default:
        this.#fail("more than one value", at);
    }
  }

  #startValue(byte: number, at: number): void {
    if (byte === quote) this.#startString(false);
    else if (byte === 0x7b) this.#open(true, at);
    else if (byte === 0x5b) this.#open(false, at);
    else if (byte === 0x2d) this.#state = numberMinus;
    else if (byte === 0x30) this.#state = numberZero;
    else if (((byteClasses[byte] as number) & digit) !== 0) this.#state = numberInteger;
    else this.#startLiteral(byte, at);
  }

  #startString(isName: boolean): void {
    this.#stringIsName = isName;
    this.#state = insideString;
  }

  #startLiteral(byte: number, at: number): void {
    if (byte === 0x74) this.#literal = literalTrue;
    else if (byte === 0x66) this.#literal = literalFalse;
    else if (byte === 0x6e) this.#literal = literalNull;
    else this.#fail("a value must come here", at);
    this.#literalAt = 1;
    this.#state = insideLiteral;
  }

  #number(byte: number, at: number): boolean {
    const isDigit = ((byteClasses[byte] as number) & digit) !== 0;
    const isExponent = byte === 0x65 || byte === 0x45;
    switch (this.#state) {
      case numberMinus:
        if (!isDigit) this.#fail("a digit must come here", at);
        this.#state = byte === 0x30 ? numberZero : numberInteger;
        return true;
      case numberZero:
      case numberInteger:
        if (byte === 0x2e) this.#state = numberPoint;
        else if (isExponent) this.#state = numberExponentMark;
        else if (!isDigit || this.#state === numberZero) return this.#endNumberBefore(isDigit, at);
        return true;
      case numberPoint:
      case numberFraction:
        if (isDigit) this.#state = numberFraction;
        else if (isExponent && this.#state === numberFraction) this.#state = numberExponentMark;
        else return this.#endNumberBefore(false, at);
        return true;
      default:
        if (isDigit) this.#state = numberExponent;
        else if ((byte === 0x2b || byte === 0x2d) && this.#state === numberExponentMark) {
          this.#state = numberExponentSign;
        } else return this.#endNumberBefore(false, at);
        return true;
    }
  }

  #endNumberBefore(leadingZero: boolean, at: number): false {
    if (leadingZero) this.#fail("leading zero in a number", at);
    this.#endNumber(at);
    return false;
  }

  #endNumber(at: number): void {
    const state = this.#state;
    const complete =
      state === numberZero ||
      state === numberInteger ||
      state === numberFraction ||
      state === numberExponent;
    if (!complete) this.#fail("a digit must come here", at);
    this.#endValue();
  }

  #open(isObject: boolean, at: number): void {
    if (this.#depth >= this.#depthMax) this.#fail(`nested deeper than ${this.#depthMax}`, at);
    const index = this.#depth >> 3;
    if (index >= this.#levels.length) {
      const larger = new Uint8Array(this.#levels.length * 2);
      larger.set(this.#levels);
      this.#levels = larger;
    }
    const bit = 1 << (this.#depth & 7);
    const byte = this.#levels[index] as number;
    this.#levels[index] = isObject ? byte | bit : byte & ~bit;
    this.#depth += 1;
    this.#state = isObject ? expectNameOrEnd : expectElementOrEnd;
  }

  #close(): void {
    this.#depth -= 1;
    this.#endValue();
  }

  /** A value is over: what may come next depends on what it stands in. */
  #endValue(): void {
    if (this.#depth === 0) {
      this.#state = done;
      return;
    }
    const level = this.#depth - 1;
    const inObject = ((this.#levels[level >> 3] as number) & (1 << (level & 7))) !== 0;
    this.#state = inObject ? afterMember : afterElement;
  }

  #fail(reason: string, at: number): never {
    throw new JsonSyntaxError(reason, this.#before + at);
  }
}

/**
 * One whole body. The input itself when there is nothing to remove.
 * @throws JsonSyntaxError
 */
export function compactJson(bytes: Uint8Array, depthMax: number): Uint8Array {
  const compactor = new JsonCompactor({ depthMax });
  const compacted = compactor.push(bytes);
  compactor.end();
  return compacted;
}
