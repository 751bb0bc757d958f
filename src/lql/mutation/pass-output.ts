import { failure } from "../../api/errors.ts";
import type { Built, FileValue } from "./built-value.ts";
import { gatheredBytesMax, outputBlockBytes } from "./limits.ts";

/** Half the bytes of the first block. */
const firstBlockBytes = 256;

/** What a pass puts out: bytes, or the place where a file's content comes. */
export type OutputPart = Uint8Array | FileValue;

/**
 * Output of a pass. Long runs of the input go out as views of it, short pieces are gathered, so
 * that whoever takes them is not called for every comma.
 */
export class PassOutput {
  readonly #bytesMax: number;
  #bytes = 0;
  /** Long values, which may go out many times. */
  readonly #long = new Map<string, Buffer>();
  #parts: OutputPart[] = [];
  #block: Buffer | undefined;
  #from = 0;
  #to = 0;

  /** @throws document_too_large (later, from the methods) beyond `bytesMax` */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Takes source[from, to). */
  copy(source: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (length <= 0) return;
    if (length > gatheredBytesMax) {
      this.#push(source.subarray(from, to));
      return;
    }
    const block = this.#room(length);
    if (length > 32) block.set(source.subarray(from, to), this.#to);
    else for (let at = 0; at < length; at += 1) block[this.#to + at] = source[from + at] as number;
    this.#to += length;
  }

  text(text: string): void {
    if (text.length > gatheredBytesMax) {
      const bytes = this.#long.get(text) ?? Buffer.from(text);
      this.#long.set(text, bytes);
      this.#push(bytes);
      return;
    }
    const length = Buffer.byteLength(text);
    this.#room(length).write(text, this.#to);
    this.#to += length;
  }

  /** A value as compact JSON. */
  value(value: Built): void {
    if (typeof value === "string") this.text(value);
    else if (!(value instanceof Map)) {
      this.#cut();
      this.#parts.push(value);
    } else {
      this.text("{");
      let separator = "";
      for (const [name, member] of value) {
        this.text(`${separator}${JSON.stringify(name)}:`);
        this.value(member);
        separator = ",";
      }
      this.text("}");
    }
  }

  /** Everything since the last call, in order. */
  take(): OutputPart[] {
    this.#cut();
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  #push(bytes: Uint8Array): void {
    this.#count(bytes.length);
    this.#cut();
    this.#parts.push(bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#bytesMax) return;
    const detail = `the changed document is larger than ${this.#bytesMax} bytes`;
    throw failure("document_too_large", detail);
  }

  #room(length: number): Buffer {
    this.#count(length);
    if (this.#block !== undefined && this.#to + length <= this.#block.length) return this.#block;
    this.#cut();
    // Small documents need little; large ones soon get large blocks.
    const before = this.#block?.length ?? firstBlockBytes;
    this.#block = Buffer.allocUnsafe(Math.max(length, Math.min(outputBlockBytes, before * 2)));
    this.#from = 0;
    this.#to = 0;
    return this.#block;
  }

  #cut(): void {
    if (this.#block === undefined || this.#from === this.#to) return;
    this.#parts.push(this.#block.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}
