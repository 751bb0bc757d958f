import { paddingBytesMax, partHeaderBytesMax, preambleBytesMax } from "./limits.ts";
import { MalformedMultipart, TruncatedMultipart } from "./malformed-multipart.ts";
import { PartHeaders } from "./part-headers.ts";

/** What stands in a multipart body, in order. */
export type MultipartEvent =
  | { readonly kind: "part"; readonly headers: PartHeaders }
  | { readonly kind: "data"; readonly bytes: Buffer }
  | { readonly kind: "part-end" }
  | { readonly kind: "end" };

/**
 * Where the decoder stands: before the first delimiter, right behind a delimiter, in the headers
 * of a part, in a body that a delimiter ends, in one that its length ends, behind such a one.
 */
type Mode = "preamble" | "delimiter" | "headers" | "body" | "counted" | "counted-end" | "over";

const empty = Buffer.alloc(0);
const partEnd: MultipartEvent = { kind: "part-end" };
const end: MultipartEvent = { kind: "end" };
const cr = 13;
const lf = 10;
const dash = 45;

/** Bytes of a chunk that are put behind what is left of the one before. */
const jointBytes = 1024;

/**
 * Decodes a multipart body from chunks that may be cut anywhere: the events say the same whatever
 * the cuts. Holds no more than one chunk and one part's headers; data are views into the chunks.
 * When it needs more bytes it holds nothing of the chunks before.
 *
 * With `counted` a part that announces its length ends by it, so that the last byte of a payload is
 * seen before anything of the next delimiter has come.
 *
 * @example
 *   decoder.push(chunk);
 *   for (let event = decoder.next(); event !== undefined; event = decoder.next()) use(event);
 */
export class MultipartDecoder {
  readonly #delimiter: Buffer;
  readonly #counted: boolean;
  #mode: Mode = "preamble";
  /** What is looked at; a line end stands before the first byte, see below. */
  #window: Buffer = Buffer.from("\r\n");
  #at = 0;
  /** What comes behind the window, of the same chunk. */
  #behind: Buffer = empty;
  /** The window is a part of a chunk and no copy. */
  #isView = false;
  /** How far a search has looked already. */
  #searched = 0;
  #preamble = 0;
  #left = 0;

  constructor(boundary: string, options: { readonly counted?: boolean } = {}) {
    // The first delimiter has no line end before it; the window begins with one instead.
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
    this.#counted = options.counted ?? false;
  }

  /** Takes one more chunk, after `next` has told all of those before. */
  push(chunk: Uint8Array): void {
    if (this.#mode === "over") return;
    this.#behind = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#advance();
  }

  /**
   * The next event; undefined when more bytes are needed.
   * @throws MalformedMultipart
   */
  next(): MultipartEvent | undefined {
    for (;;) {
      const event = this.#step();
      if (event !== undefined) return event;
      if (this.#behind.length > 0) this.#advance();
      else {
        this.#letGo();
        return undefined;
      }
    }
  }

  /** @throws MalformedMultipart when the body ended before its last delimiter */
  finish(): void {
    if (this.#mode !== "over") throw new TruncatedMultipart("the multipart body breaks off");
  }

  /**
   * Moves the window on. What is left of it is joined with only the beginning of what comes: long
   * enough for most delimiters and headers, and far shorter than a chunk.
   */
  #advance(): void {
    const rest = this.#window.subarray(this.#at);
    const length = rest.length === 0 ? this.#behind.length : jointBytes;
    const next = this.#behind.subarray(0, length);
    this.#isView = rest.length === 0;
    this.#window = this.#isView ? next : Buffer.concat([rest, next]);
    this.#behind = this.#behind.subarray(length);
    this.#searched = Math.max(0, this.#searched - this.#at);
    this.#at = 0;
  }

  /** Keeps a copy of what is left of a chunk, whose memory may be used again from now on. */
  #letGo(): void {
    if (!this.#isView) return;
    this.#window = Buffer.from(this.#window.subarray(this.#at));
    this.#searched = Math.max(0, this.#searched - this.#at);
    this.#at = 0;
    this.#isView = false;
  }

  #step(): MultipartEvent | undefined {
    for (;;) {
      switch (this.#mode) {
        case "preamble":
          if (!this.#skipPreamble()) return undefined;
          break;
        case "delimiter": {
          const step = this.#passDelimiter();
          if (step === "more") return undefined;
          if (step === "end") return end;
          break;
        }
        case "headers":
          return this.#readHeaders();
        case "body":
          return this.#readBody();
        case "counted":
          return this.#readCounted();
        case "counted-end":
          if (!this.#passCountedEnd()) return undefined;
          break;
        case "over":
          return end;
      }
    }
  }

  #skipPreamble(): boolean {
    const found = this.#window.indexOf(this.#delimiter, this.#at);
    const to = found === -1 ? this.#window.length - this.#heldBack() : found;
    this.#preamble += to - this.#at;
    this.#at = to;
    if (this.#preamble > preambleBytesMax) {
      throw new MalformedMultipart("the multipart body does not begin with its boundary");
    }
    if (found === -1) return false;
    this.#at += this.#delimiter.length;
    this.#mode = "delimiter";
    return true;
  }

  /** Behind a delimiter comes `--` at the end of all, else padding and a line end. */
  #passDelimiter(): "more" | "part" | "end" {
    const window = this.#window;
    let at = this.#at;
    if (window.length - at < 2) return "more";
    if (window[at] === dash && window[at + 1] === dash) {
      this.#mode = "over";
      this.#window = empty;
      this.#behind = empty;
      this.#at = 0;
      return "end";
    }
    while (window[at] === 32 || window[at] === 9) at += 1;
    if (at - this.#at > paddingBytesMax) throw strayBytes();
    if (window.length - at < 2) return "more";
    if (window[at] !== cr || window[at + 1] !== lf) throw strayBytes();
    this.#at = at;
    this.#searched = at;
    this.#mode = "headers";
    return "part";
  }

  /** From the line end of the delimiter to the empty line. */
  #readHeaders(): MultipartEvent | undefined {
    const found = this.#window.indexOf("\r\n\r\n", this.#searched, "latin1");
    const length = (found === -1 ? this.#window.length : found) - this.#at;
    if (length > partHeaderBytesMax) {
      throw new MalformedMultipart(`a part's headers are longer than ${partHeaderBytesMax} bytes`);
    }
    if (found === -1) {
      this.#searched = Math.max(this.#at, this.#window.length - 3);
      return undefined;
    }
    const block = this.#window.toString("utf8", Math.min(this.#at + 2, found), found);
    const headers = new PartHeaders(block);
    this.#at = found + 4;
    const contentLength = this.#counted ? headers.contentLength : undefined;
    this.#mode = contentLength === undefined ? "body" : "counted";
    this.#left = contentLength ?? 0;
    return { kind: "part", headers };
  }

  #readBody(): MultipartEvent | undefined {
    const window = this.#window;
    const found = window.indexOf(this.#delimiter, this.#at);
    if (found === -1) return this.#dataUpTo(window.length - this.#heldBack());
    if (found > this.#at) return this.#dataUpTo(found);
    const behind = found + this.#delimiter.length;
    const next = window[behind];
    if (next === undefined) return undefined;
    // A longer line that only begins like the delimiter belongs to the body.
    if (next !== dash && next !== cr && next !== 32 && next !== 9) {
      return this.#dataUpTo(behind);
    }
    this.#at = behind;
    this.#mode = "delimiter";
    return partEnd;
  }

  #dataUpTo(to: number): MultipartEvent | undefined {
    if (to <= this.#at) return undefined;
    const bytes = this.#window.subarray(this.#at, to);
    this.#at = to;
    return { kind: "data", bytes };
  }

  #readCounted(): MultipartEvent | undefined {
    if (this.#left === 0) {
      this.#mode = "counted-end";
      return partEnd;
    }
    const to = Math.min(this.#window.length, this.#at + this.#left);
    this.#left -= to - this.#at;
    return this.#dataUpTo(to);
  }

  #passCountedEnd(): boolean {
    const { length } = this.#delimiter;
    if (this.#window.length - this.#at < length) return false;
    if (this.#window.compare(this.#delimiter, 0, length, this.#at, this.#at + length) !== 0) {
      throw new MalformedMultipart("a part is longer than it announced");
    }
    this.#at += length;
    this.#mode = "delimiter";
    return true;
  }

  /** Bytes at the end of the window that may be the beginning of a delimiter. */
  #heldBack(): number {
    const { length } = this.#window;
    const from = Math.max(this.#at, length - this.#delimiter.length + 1);
    // Its only carriage return is its first byte, so only the last one in the window can begin it.
    const at = this.#window.lastIndexOf(cr);
    if (at < from) return 0;
    const held = length - at;
    return this.#delimiter.compare(this.#window, at, length, 0, held) === 0 ? held : 0;
  }
}

function strayBytes(): MalformedMultipart {
  return new MalformedMultipart("a delimiter is followed by something else than a line end");
}
