/**
 * One pass over the bytes of a document. Values that no path reaches are passed over by counting
 * brackets; what paths reach is tested where it stands. Nothing is built from
 * the document. The input may come in pieces: a token that is cut in two is left for the next call,
 * unless it is so long that it is passed over or searched by pieces.
 */

import { decodeString } from "../json/decode-string.ts";
import {
  byteClasses,
  closeBraceByte,
  closeBracketByte,
  colonByte,
  commaByte,
  openBraceByte,
  openBracketByte,
  quoteByte,
  space,
} from "../json/json-bytes.ts";
import {
  ContainerSkip,
  closingQuoteFrom,
  scalarEndFrom,
  stringCut,
  stringStopFrom,
  tokenFrom,
} from "../json/scan-json.ts";
import type { Decision } from "./decision.ts";
import { documentDepthMax } from "./limits.ts";
import { LongString } from "./long-string.ts";
import type { Place } from "./place.ts";
import { NumberValue, StringValue } from "./scalar-value.ts";

/** What comes next. */
const expectRoot = 0;
const expectMember = 1;
const expectColon = 2;
const expectValue = 3;
const expectElement = 4;
const afterValue = 5;
/** In the middle of something long. */
const inSkippedString = 6;
const inSkippedName = 7;
const inSkippedContainer = 8;
const inSkippedScalar = 9;
const inLongString = 10;
const finished = 11;
const broken = 12;

export interface ScanPlan {
  readonly root: Place;
  readonly decision: Decision;
  /** Nodes that are true of every object. */
  readonly constants: readonly number[];
  /** Bytes of the longest token that is held whole. */
  readonly longTokenBytes: number;
}

const noBytes = Buffer.alloc(0);

export class DocumentScan {
  readonly #plan: ScanPlan;
  readonly #decision: Decision;
  readonly #longTokenBytes: number;
  #bytes: Buffer = noBytes;
  #at = 0;
  #end = 0;
  #final = false;
  #state = expectRoot;
  /** Where the next value stands. */
  #place: Place;
  /** The open containers: their places, and the index of the next element; -1 for objects. */
  readonly #places: Place[] = [];
  readonly #indexes: number[] = [];
  readonly #skip = new ContainerSkip();
  #long: LongString | undefined;
  #escaped = false;

  constructor(plan: ScanPlan) {
    this.#plan = plan;
    this.#decision = plan.decision;
    this.#longTokenBytes = plan.longTokenBytes;
    this.#place = plan.root;
  }

  reset(): void {
    this.#state = expectRoot;
    this.#places.length = 0;
    this.#indexes.length = 0;
    this.#long = undefined;
    this.#escaped = false;
    this.#decision.reset();
  }

  /** True once more input cannot change the answer. */
  get settled(): boolean {
    return this.#decision.decided || this.#state >= finished;
  }

  /** Takes `bytes`, and answers how much of it: the rest is to be given again, with more. */
  run(bytes: Uint8Array, final: boolean): number {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = 0;
    this.#end = bytes.length;
    this.#final = final;
    while (this.#at < this.#end && !this.settled) {
      if (!this.#step()) break;
    }
    this.#bytes = noBytes;
    return this.settled ? this.#end : this.#at;
  }

  /** The answer, once all input was given. What is no whole object matches nothing. */
  result(): boolean {
    if (this.#decision.decided || this.#state === finished) return this.#decision.resolve();
    return false;
  }

  /** One token; false when it is not complete. */
  #step(): boolean {
    switch (this.#state) {
      case expectMember:
        return this.#member();
      case expectValue:
        return this.#value();
      case afterValue:
        return this.#afterValue();
      case expectElement:
        return this.#element();
      case expectColon:
        return this.#colon();
      case expectRoot:
        return this.#root();
      case inLongString:
        return this.#longString();
      default:
        return this.#passOver();
    }
  }

  #break(): true {
    this.#state = broken;
    return true;
  }

  /** Moves to the next byte that is no white space; -1 when there is none. */
  #token(): number {
    const byte = this.#bytes[this.#at] as number;
    if (((byteClasses[byte] as number) & space) === 0) return byte;
    this.#at = tokenFrom(this.#bytes, this.#at, this.#end);
    return this.#at < this.#end ? (this.#bytes[this.#at] as number) : -1;
  }

  #root(): boolean {
    const byte = this.#token();
    if (byte === -1) return true;
    if (byte !== openBraceByte) return this.#break();
    this.#place = this.#plan.root;
    for (const node of this.#plan.constants) this.#decision.setTrue(node);
    for (const test of this.#place.containers) this.#decision.setTrue(test.node);
    return this.#open(true);
  }

  #member(): boolean {
    const byte = this.#token();
    if (byte === -1) return true;
    if (byte === closeBraceByte) return this.#close();
    if (byte !== quoteByte) return this.#break();
    const from = this.#at + 1;
    const to = this.#stringEnd(from);
    const parent = this.#places[this.#places.length - 1] as Place;
    if (to >= this.#end) {
      if (this.#mayGrow(from)) return false;
      // Longer than any name of a path.
      this.#place = parent.otherMember();
      this.#at = from;
      this.#state = inSkippedName;
      return true;
    }
    this.#at = to + 1;
    if (this.#escaped || parent.decodesNames) {
      const span = { from, to, escaped: this.#escaped };
      this.#place = parent.member(decodeString(this.#bytes, span));
    } else {
      this.#place = parent.memberAt(this.#bytes, from, to);
    }
    this.#state = expectColon;
    return this.#at < this.#end ? this.#colon() : true;
  }

  #colon(): boolean {
    const byte = this.#token();
    if (byte === -1) return true;
    if (byte !== colonByte) return this.#break();
    this.#at += 1;
    this.#state = expectValue;
    return this.#at < this.#end ? this.#value() : true;
  }

  #element(): boolean {
    const byte = this.#token();
    if (byte === -1) return true;
    if (byte === closeBracketByte) return this.#close();
    const level = this.#places.length - 1;
    const index = this.#indexes[level] as number;
    this.#indexes[level] = index + 1;
    this.#place = (this.#places[level] as Place).element(index);
    this.#state = expectValue;
    return this.#value();
  }

  #value(): boolean {
    const byte = this.#token();
    switch (byte) {
      case -1:
        return true;
      case quoteByte:
        return this.#string();
      case openBraceByte:
        return this.#container(true);
      case openBracketByte:
        return this.#container(false);
      default:
        return this.#scalar(byte);
    }
  }

  /** The closing quote, or `end` and more; notes whether there are escapes before it. */
  #stringEnd(from: number): number {
    const stop = stringStopFrom(this.#bytes, from, this.#end);
    this.#escaped = stop < this.#end && this.#bytes[stop] !== quoteByte;
    return this.#escaped ? closingQuoteFrom(this.#bytes, stop, this.#end) : stop;
  }

  /** True when an incomplete token is worth waiting for. */
  #mayGrow(from: number): boolean {
    return !this.#final && this.#end - from <= this.#longTokenBytes;
  }

  #string(): boolean {
    const { strings } = this.#place;
    const from = this.#at + 1;
    if (strings.length === 0) {
      this.#at = from;
      this.#state = inSkippedString;
      return this.#passOver();
    }
    const to = this.#stringEnd(from);
    if (to >= this.#end && this.#mayGrow(from)) return false;
    if (to >= this.#end || to - from > this.#longTokenBytes) {
      this.#long = new LongString(strings, this.#decision);
      this.#at = from;
      this.#state = inLongString;
      return true;
    }
    const value = new StringValue(this.#bytes, { from, to, escaped: this.#escaped });
    for (const test of strings) {
      if (this.#decision.isOpen(test.node) && test.string?.(value) === true) {
        this.#decision.setTrue(test.node);
      }
    }
    this.#at = to + 1;
    return this.#endValue();
  }

  #longString(): boolean {
    const limit = Math.min(this.#end, this.#at + this.#longTokenBytes);
    const quote = closingQuoteFrom(this.#bytes, this.#at, limit);
    const to = quote < limit ? quote : stringCut(this.#bytes, this.#at, limit);
    // Small pieces are collected: each search goes over the end of the piece before once more.
    if (quote >= limit && this.#mayGrow(this.#at)) return false;
    if (quote >= limit && to === this.#at) return this.#break();
    this.#long?.add(decodeString(this.#bytes, { from: this.#at, to, escaped: true }));
    this.#at = to;
    if (quote >= limit) return true;
    this.#long?.end();
    this.#long = undefined;
    this.#at += 1;
    return this.#endValue();
  }

  #container(isObject: boolean): boolean {
    const place = this.#place;
    for (const test of place.containers) this.#decision.setTrue(test.node);
    const enters = isObject ? place.entersObjects : place.entersArrays;
    if (enters && this.#places.length < documentDepthMax) return this.#open(isObject);
    this.#at += 1;
    this.#skip.start();
    this.#state = inSkippedContainer;
    return this.#passOver();
  }

  #open(isObject: boolean): true {
    this.#at += 1;
    this.#places.push(this.#place);
    this.#indexes.push(isObject ? -1 : 0);
    this.#state = isObject ? expectMember : expectElement;
    return true;
  }

  #close(): boolean {
    this.#at += 1;
    this.#places.pop();
    this.#indexes.pop();
    return this.#endValue();
  }

  #endValue(): boolean {
    this.#state = this.#places.length === 0 ? finished : afterValue;
    return this.#state === afterValue && this.#at < this.#end ? this.#afterValue() : true;
  }

  #afterValue(): boolean {
    const byte = this.#token();
    if (byte === -1) return true;
    const isObject = (this.#indexes[this.#indexes.length - 1] as number) === -1;
    if (byte === commaByte) {
      this.#at += 1;
      this.#state = isObject ? expectMember : expectElement;
      return true;
    }
    return byte === (isObject ? closeBraceByte : closeBracketByte) ? this.#close() : this.#break();
  }

  #scalar(byte: number): boolean {
    const from = this.#at;
    const to = scalarEndFrom(this.#bytes, from, this.#end);
    if (to === from) return this.#break();
    if (to === this.#end && this.#mayGrow(from)) return false;
    this.#at = to;
    this.#test(byte, from, to);
    this.#state = inSkippedScalar;
    return to < this.#end ? this.#endValue() : true;
  }

  #test(byte: number, from: number, to: number): void {
    const { numbers, booleans, nulls } = this.#place;
    if (byte === 0x74 || byte === 0x66) {
      for (const test of booleans) this.#settle(test.node, test.boolean?.(byte === 0x74));
    } else if (byte === 0x6e) {
      for (const test of nulls) this.#settle(test.node, true);
    } else if (numbers.length > 0) {
      const isHeld = to - from <= this.#longTokenBytes;
      const value = new NumberValue(isHeld ? this.#bytes.toString("latin1", from, to) : "");
      for (const test of numbers) this.#settle(test.node, test.number?.(value));
    }
  }

  #settle(node: number, holds: boolean | undefined): void {
    if (holds === true && this.#decision.isOpen(node)) this.#decision.setTrue(node);
  }

  /** Goes to the end of what is passed over, as far as the input goes. */
  #passOver(): boolean {
    if (this.#state === inSkippedContainer) {
      this.#at = this.#skip.run(this.#bytes, this.#at, this.#end);
      return this.#skip.done ? this.#endValue() : true;
    }
    if (this.#state === inSkippedScalar) {
      this.#at = scalarEndFrom(this.#bytes, this.#at, this.#end);
      return this.#at < this.#end ? this.#endValue() : true;
    }
    const quote = closingQuoteFrom(this.#bytes, this.#at, this.#end);
    // A backslash at the very end is given again, with what it escapes.
    if (quote > this.#end) this.#at = Math.max(this.#at, this.#end - 1);
    else this.#at = Math.min(quote, this.#end);
    if (quote >= this.#end) return quote === this.#end;
    this.#at += 1;
    if (this.#state === inSkippedString) return this.#endValue();
    this.#state = expectColon;
    return true;
  }
}
