/** Scalars of a document as clauses see them: views of its bytes, decoded when a clause asks. */
import { compareDecimals, type ExactDecimal, parseExactDecimal, plainDecimal } from "../decimal.ts";
import { decodeString, foldCase, type StringSpan } from "../json/decode-string.ts";
import { parseTemporal, type Temporal, temporalLengthMin } from "../temporal.ts";

/** A text to compare with: its UTF-8, unless lone surrogates leave it without. */
export interface Term {
  readonly text: string;
  readonly bytes: Uint8Array | undefined;
}

export function termOfText(text: string): Term {
  return { text, bytes: text.isWellFormed() ? Buffer.from(text) : undefined };
}

/** One string, its content in `bytes[from, to)`. */
export class StringValue {
  readonly #bytes: Buffer;
  readonly #span: StringSpan;
  #text: string | undefined;
  #folded: string | undefined;

  constructor(bytes: Buffer, span: StringSpan) {
    this.#bytes = bytes;
    this.#span = span;
  }

  text(): string {
    this.#text ??= decodeString(this.#bytes, this.#span);
    return this.#text;
  }

  /** The text in lower case. */
  folded(): string {
    this.#folded ??= foldCase(this.text());
    return this.#folded;
  }

  equals({ text, bytes }: Term): boolean {
    const { from, to, escaped } = this.#span;
    if (escaped) return this.text() === text;
    return bytes !== undefined && bytes.length === to - from && this.#hasAtStart(bytes);
  }

  startsWith({ text, bytes }: Term): boolean {
    const { from, to, escaped } = this.#span;
    if (escaped) return this.text().startsWith(text);
    return bytes !== undefined && bytes.length <= to - from && this.#hasAtStart(bytes);
  }

  #hasAtStart(bytes: Uint8Array): boolean {
    const { from } = this.#span;
    for (let i = 0; i < bytes.length; i += 1) {
      if (this.#bytes[from + i] !== bytes[i]) return false;
    }
    return true;
  }

  /** Undefined when the whole text is no temporal literal. */
  temporal(): Temporal | undefined {
    const { from, to, escaped } = this.#span;
    // Most strings are told apart by their first byte.
    if (!escaped && (to - from < temporalLengthMin || !isDigit(this.#bytes[from])))
      return undefined;
    return parseTemporal(this.text());
  }

  /** Undefined when the whole text is no JSON number. */
  decimal(): ExactDecimal | undefined {
    const { from, escaped } = this.#span;
    const first = this.#bytes[from];
    if (!escaped && first !== 0x2d && !isDigit(first)) return undefined;
    return parseExactDecimal(this.text());
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** One number, by its digits as written; no text when it is too long to be compared. */
export class NumberValue {
  readonly #written: string;
  #decimal: ExactDecimal | undefined;
  #canonical: string | undefined;

  constructor(written: string) {
    this.#written = written;
  }

  decimal(): ExactDecimal | undefined {
    this.#decimal ??= parseExactDecimal(this.#written);
    return this.#decimal;
  }

  /** The comparison text: plain digits. */
  text(): string | undefined {
    const decimal = this.decimal();
    if (this.#canonical === undefined && decimal !== undefined) {
      this.#canonical = plainDecimal(decimal);
    }
    return this.#canonical;
  }

  equals(other: ExactDecimal): boolean {
    const decimal = this.decimal();
    return decimal !== undefined && compareDecimals(decimal, other) === 0;
  }
}
