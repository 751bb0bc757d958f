/** The match of a document that comes in pieces, in bounded memory. */
import type { DocumentScan } from "./document-scan.ts";

const noBytes = new Uint8Array(0);

export class StreamedMatch {
  readonly #scan: DocumentScan | undefined;
  /** Input that was not taken yet: a token without its end. */
  #rest: Uint8Array = noBytes;
  #restLength = 0;
  /** Bytes that make another attempt worth it: twice what was not enough, so work stays linear. */
  #enough = 0;

  /** @param scan undefined when everything matches */
  constructor(scan: DocumentScan | undefined) {
    this.#scan = scan;
  }

  /** Takes one more piece; true when the answer is known and no more is needed. */
  push(chunk: Uint8Array): boolean {
    if (this.#scan === undefined || this.#scan.settled) return true;
    if (this.#restLength === 0) {
      this.#keep(chunk.subarray(this.#scan.run(chunk, false)));
    } else {
      this.#append(chunk);
      if (this.#restLength >= this.#enough) this.#run(this.#scan, false);
    }
    return this.#scan.settled;
  }

  /** The answer, after the last piece. */
  end(): boolean {
    if (this.#scan === undefined) return true;
    if (this.#restLength > 0 && !this.#scan.settled) this.#run(this.#scan, true);
    return this.#scan.result();
  }

  #run(scan: DocumentScan, final: boolean): void {
    const rest = this.#rest.subarray(0, this.#restLength);
    this.#keep(rest.subarray(scan.run(rest, final)));
  }

  #keep(rest: Uint8Array): void {
    this.#restLength = 0;
    this.#enough = 2 * rest.length;
    if (rest.length > 0) this.#append(rest);
  }

  /** Also moves input to the front that is in the buffer already. */
  #append(bytes: Uint8Array): void {
    const length = this.#restLength + bytes.length;
    if (this.#rest.length < length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#rest.length));
      larger.set(this.#rest.subarray(0, this.#restLength));
      this.#rest = larger;
    }
    this.#rest.set(bytes, this.#restLength);
    this.#restLength = length;
  }
}
