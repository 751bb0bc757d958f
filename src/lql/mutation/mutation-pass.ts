/**
 * One walk over a document that makes all changes on the way. The document is valid compact JSON in
 * chunks cut anywhere; what no mutation names is skipped and copied as it came. Held are the open
 * containers on the way to named places, one member name, and numbers that are added to.
 *
 * The order problem it solves: a mutation sees the results of earlier ones, yet the document goes
 * by only once. Every value therefore gets the list of all edits that concern it (`PlanState`), and
 * from the first edit on that takes the value's place, the outcome no longer depends on the
 * document and is worked out in memory (`built-value.ts`). Edits before that point only count for
 * the errors they may give.
 */
import { failure } from "../../api/errors.ts";
import { type Built, createdMembers, notANumber, opaqueScalar, replay } from "./built-value.ts";
import { measuredArraysMax, steppedNumberLengthMax } from "./limits.ts";
import type { MutationPlan } from "./mutation-plan.ts";
import { type OutputPart, PassOutput } from "./pass-output.ts";
import type { PlanState } from "./plan-state.ts";
import { ValueSkipper } from "./value-skipper.ts";

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d];

type Mode = "start" | "first" | "next" | "name" | "colon" | "value" | "skip" | "number" | "done";

interface Frame {
  readonly isObject: boolean;
  readonly state: PlanState;
  /** Where its bracket stands. */
  readonly offset: number;
  /** Wanted names of members that are there and keep their place. */
  readonly kept: Set<string>;
  /** Members or elements put out so far. */
  count: number;
}

/** Lengths of arrays by the offset of their bracket. */
export type ArrayLengths = ReadonlyMap<number, number>;

export class MutationPass {
  readonly measured = new Map<number, number>();
  readonly #plan: MutationPlan;
  readonly #lengths: ArrayLengths | undefined;
  readonly #out: PassOutput;
  readonly #skipper = new ValueSkipper();
  readonly #frames: Frame[] = [];
  #mode: Mode = "start";
  /** State of the value that comes next or is being read. */
  #state: PlanState;
  #chunk: Uint8Array = new Uint8Array(0);
  /** Bytes of the chunks before the current one. */
  #before = 0;
  /** Start of what is to be copied from the current chunk. */
  #runStart = 0;
  /** Frames around the value whose bytes are left out; undefined while bytes are copied. */
  #mutedAt: number | undefined;
  /** Start in the current chunk of the member being named, its comma included. */
  #memberStart = 0;
  /** What earlier chunks had of it. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #nameQuoted = false;
  #nameEscaped = false;
  /** The member's state is decided already: its name is longer than any that is wanted. */
  #nameDecided = false;
  #number = "";
  /** True when the number being read is to be written anew. */
  #numberShows = false;

  /** With the lengths that a measuring pass found; a pass without them is the measuring one. */
  constructor(plan: MutationPlan, lengths?: ArrayLengths, bytesMax = Number.POSITIVE_INFINITY) {
    this.#plan = plan;
    this.#out = new PassOutput(bytesMax);
    this.#state = plan.root;
    this.#lengths = lengths;
    if (lengths === undefined) this.#mutedAt = -1;
  }

  /** @throws invalid_body, for a document that is no object and steps on no number */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#runStart = 0;
    this.#memberStart = 0;
    let at = 0;
    while (at < chunk.length) at = this.#step(at);
    const naming = this.#mode === "name" || this.#mode === "colon";
    if (naming && !this.#nameDecided) this.#hold();
    else this.#flush(chunk.length);
    this.#before += chunk.length;
  }

  /** @throws invalid_body when the document is not complete */
  end(): void {
    if (this.#mode !== "done") throw this.#broken(0, "is not complete");
  }

  take(): OutputPart[] {
    return this.#out.take();
  }

  #step(at: number): number {
    const byte = this.#chunk[at] as number;
    switch (this.#mode) {
      case "skip":
        return this.#skipOn(at);
      case "first":
      case "next":
        return this.#between(byte, at);
      case "name":
        return this.#readName(at);
      case "colon":
        return this.#afterName(byte, at);
      case "value":
        return this.#startValue(byte, at);
      case "number":
        return this.#readNumber(at);
      case "start":
        if (byte !== openObject) throw failure("invalid_body", "the state is not a JSON object");
        return this.#open(true, this.#plan.root, at);
      case "done":
        throw this.#broken(at, "has more than one value");
    }
  }

  // --- containers

  #open(isObject: boolean, state: PlanState, at: number): number {
    const offset = this.#before + at;
    this.#frames.push({ isObject, state, offset, kept: new Set(), count: 0 });
    this.#mode = "first";
    return at + 1;
  }

  #between(byte: number, at: number): number {
    const frame = this.#frames.at(-1);
    if (frame === undefined) throw this.#broken(at, "is not JSON");
    if (byte === (frame.isObject ? closeObject : closeArray)) return this.#close(frame, at);
    const isFirst = this.#mode === "first";
    if (!isFirst && byte !== comma) throw this.#broken(at, "is not JSON");
    if (!frame.isObject) {
      this.#state = frame.state.element(frame.count);
      frame.count += 1;
      this.#mode = "value";
      return isFirst ? at : at + 1;
    }
    this.#memberStart = at;
    this.#nameDecided = false;
    this.#nameEscaped = false;
    this.#nameQuoted = false;
    this.#mode = "name";
    return isFirst ? at : at + 1;
  }

  #close(frame: Frame, at: number): number {
    if (frame.isObject && frame.state.makers.length > 0 && this.#lengths !== undefined) {
      this.#append(frame, at);
    }
    if (!frame.isObject && this.#lengths === undefined && frame.state.needsLength) {
      if (this.measured.size >= measuredArraysMax) {
        throw failure("invalid_body", "the state has too many arrays in one place to measure");
      }
      this.measured.set(frame.offset, frame.count);
    }
    this.#frames.pop();
    return this.#valueEnded(at + 1);
  }

  /** New members come behind the existing ones. */
  #append(frame: Frame, at: number): void {
    this.#plan.spend(frame.state.cursors.length);
    const members = createdMembers(frame.state.cursors, frame.kept);
    if (members.size === 0 || this.#mutedAt !== undefined) return;
    this.#flush(at);
    for (const [name, value] of members) {
      this.#out.text(`${frame.count > 0 ? "," : ""}${JSON.stringify(name)}:`);
      this.#out.value(value);
      frame.count += 1;
    }
  }

  // --- member names

  #readName(from: number): number {
    const chunk = this.#chunk;
    let at = from;
    if (!this.#nameQuoted) {
      if (chunk[at] !== quote) throw this.#broken(at, "is not JSON");
      this.#nameQuoted = true;
      at += 1;
    }
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (this.#nameEscaped) this.#nameEscaped = false;
      else if (byte === backslash) this.#nameEscaped = true;
      else if (byte === quote) {
        this.#mode = "colon";
        if (!this.#nameDecided) this.#decideMember(this.#nameText(at + 1), at + 1);
        return at + 1;
      }
    }
    return at;
  }

  #afterName(byte: number, at: number): number {
    if (byte !== colon) throw this.#broken(at, "is not JSON");
    this.#mode = "value";
    return at + 1;
  }

  /** The name as JSON text; undefined when it is too long to be wanted. */
  #nameText(to: number): string | undefined {
    const length = this.#heldBytes + to - this.#memberStart;
    if (length > this.#plan.nameBytesMax) return undefined;
    const tail = this.#chunk.subarray(this.#memberStart, to);
    const bytes = this.#heldBytes === 0 ? tail : Buffer.concat([...this.#held, tail]);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
    return text.startsWith(",") ? text.slice(1) : text;
  }

  /** Chunk's end inside a name: what was read of the member waits until its fate is known. */
  #hold(): void {
    this.#flush(this.#memberStart);
    const part = this.#chunk.slice(this.#memberStart);
    this.#held.push(part);
    this.#heldBytes += part.length;
    this.#runStart = this.#chunk.length;
    if (this.#heldBytes > this.#plan.nameBytesMax) {
      this.#memberStart = this.#chunk.length;
      this.#decideMember(undefined, this.#chunk.length);
    }
  }

  /** The name is known, or known to be none that is wanted: does the member stay? */
  #decideMember(name: string | undefined, at: number): void {
    const frame = this.#frames.at(-1) as Frame;
    const { state } = frame;
    const wanted = name === undefined ? undefined : decodedName(name);
    const isNamed = wanted !== undefined && state.names(wanted);
    this.#state = isNamed ? state.member(wanted) : state.otherMember();
    this.#nameDecided = true;
    const outcome = this.#state.taken === undefined ? undefined : this.#state.outcome(false);
    const stays = outcome === undefined || (outcome.value !== undefined && !outcome.moved);
    if (stays) {
      if (isNamed) frame.kept.add(wanted);
      this.#keepMember(frame);
    } else this.#dropMember(at);
    this.#held = [];
    this.#heldBytes = 0;
  }

  #keepMember(frame: Frame): void {
    const isFirst = frame.count === 0;
    frame.count += 1;
    if (this.#mutedAt !== undefined) return;
    if (this.#heldBytes > 0) {
      const held = Buffer.concat(this.#held);
      this.#out.copy(held, isFirst && held[0] === comma ? 1 : 0, held.length);
    } else if (isFirst && this.#chunk[this.#memberStart] === comma) {
      this.#flush(this.#memberStart);
      this.#runStart = this.#memberStart + 1;
    }
  }

  #dropMember(at: number): void {
    if (this.#mutedAt !== undefined) return;
    if (this.#heldBytes === 0) this.#flush(this.#memberStart);
    this.#runStart = at;
    this.#mutedAt = this.#frames.length;
  }

  // --- values

  #startValue(byte: number, at: number): number {
    const state = this.#state;
    if (state.isEmpty) return this.#skip(at);
    if (state.taken !== undefined) {
      const isElement = this.#frames.at(-1)?.isObject === false;
      this.#replace(state.outcome(isElement).value, at);
      return this.#inspect(state.upTo(state.taken), byte, at);
    }
    return this.#changeInside(state, byte, at);
  }

  /** Goes through a value whose bytes do not count, for the errors that edits may give. */
  #inspect(state: PlanState, byte: number, at: number): number {
    return state.hasAdd ? this.#changeInside(state, byte, at) : this.#skip(at);
  }

  #changeInside(state: PlanState, byte: number, at: number): number {
    const isMeasuring = this.#lengths === undefined;
    const isContainer = byte === openObject || byte === openArray;
    if (isContainer && !isMeasuring && state.addHere !== undefined) throw notANumber(state.addHere);
    if (byte === openObject) return this.#open(true, state, at);
    if (byte === openArray) {
      const turning = isMeasuring ? undefined : this.#turning(state, at);
      if (turning === undefined) return this.#open(false, state, at);
      this.#plan.spend(state.cursors.length);
      this.#replace(state.turned(turning), at);
      return this.#inspect(state.upTo(turning), byte, at);
    }
    if (isMeasuring || (state.makers.length === 0 && state.addHere === undefined)) {
      return this.#skip(at);
    }
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return this.#startNumber(state, at);
    this.#plan.spend(state.cursors.length);
    this.#replace(replay(state.cursors, opaqueScalar).value, at);
    return this.#skip(at);
  }

  #turning(state: PlanState, at: number): number | undefined {
    if (state.makers.length === 0) return undefined;
    const length = state.needsLength ? this.#lengths?.get(this.#before + at) : 0;
    return state.turning(length ?? 0);
  }

  #startNumber(state: PlanState, at: number): number {
    this.#state = state;
    this.#number = "";
    this.#numberShows = this.#mutedAt === undefined;
    this.#mute(at);
    this.#mode = "number";
    return at;
  }

  #readNumber(from: number): number {
    const chunk = this.#chunk;
    let at = from;
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === comma || byte === closeObject || byte === closeArray) break;
    }
    this.#number += Buffer.from(chunk.subarray(from, at)).toString("latin1");
    if (this.#number.length > steppedNumberLengthMax) {
      throw failure("invalid_body", `a number of more than ${steppedNumberLengthMax} characters`);
    }
    if (at === chunk.length) return at;
    const { value } = replay(this.#state.cursors, this.#number);
    if (this.#numberShows && value !== undefined) this.#out.value(value);
    return this.#valueEnded(at);
  }

  #skip(at: number): number {
    this.#skipper.start();
    this.#mode = "skip";
    return this.#skipOn(at);
  }

  #skipOn(from: number): number {
    const at = this.#skipper.skip(this.#chunk, from);
    return this.#skipper.ended ? this.#valueEnded(at) : at;
  }

  #valueEnded(at: number): number {
    if (this.#mutedAt === this.#frames.length) {
      this.#mutedAt = undefined;
      this.#runStart = at;
    }
    this.#mode = this.#frames.length === 0 ? "done" : "next";
    return at;
  }

  // --- output

  /** Writes `value` instead of the value that begins at `at`; nothing while muted. */
  #replace(value: Built | undefined, at: number): void {
    if (this.#mutedAt !== undefined) return;
    this.#mute(at);
    if (value !== undefined) this.#out.value(value);
  }

  /** Leaves out the bytes of the value that begins at `at`. */
  #mute(at: number): void {
    if (this.#mutedAt !== undefined) return;
    this.#flush(at);
    this.#mutedAt = this.#frames.length;
  }

  /** Copies what stands between the last change and `to`. */
  #flush(to: number): void {
    if (this.#mutedAt === undefined) this.#out.copy(this.#chunk, this.#runStart, to);
    this.#runStart = to;
  }

  #broken(at: number, what: string): Error {
    return failure("invalid_body", `the state ${what} (byte ${this.#before + at})`);
  }
}

function decodedName(json: string): string {
  if (!json.includes("\\")) return json.slice(1, -1);
  try {
    return JSON.parse(json) as string;
  } catch (cause) {
    throw failure("invalid_body", `the state has the broken name ${json}`, { cause });
  }
}
