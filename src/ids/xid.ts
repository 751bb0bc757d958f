/**
 * xids: 12 bytes as 20 characters of lower-case base32hex. Seconds (4 bytes, big-endian), machine
 * (3), process (2), counter (3); an id sorts after all earlier ones of its process. Why lockd mints
 * them itself is told in docs/decisions/0001-own-xid.md.
 */

const alphabet = "0123456789abcdefghijklmnopqrstuv";
const counterMask = 0xff_ffff;
const textPattern = /^[0-9a-v]{19}[0g]$/;

export interface XidSourceOptions {
  /** Wall clock in milliseconds. */
  readonly nowMs: () => number;
  /** 3 bytes; random in worker threads, which share host and process id. */
  readonly machine: Uint8Array;
  /** 16 bits. */
  readonly process: number;
  /** First counter value (24 bits); random in production. */
  readonly counter: number;
}

/** True for the text form: 20 characters of 0-9 a-v, the last one 0 or g. */
export function isXid(text: string): boolean {
  return text.length === 20 && textPattern.test(text);
}

/**
 * The text of 12 bytes.
 * @example encodeXid(Buffer.from("4d88e15b60f486e428412dc9", "hex")) // "9m4e2mr0ui3e8a215n4g"
 */
export function encodeXid(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (let at = 0; at < 12; at += 1) {
    value = ((value << 8) | (bytes[at] ?? 0)) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(value >> bits) & 31];
    }
  }
  return text + alphabet[(value << (5 - bits)) & 31];
}

/** The 12 bytes of a text, or undefined when it is no xid. */
export function decodeXid(text: string): Uint8Array | undefined {
  if (!isXid(text)) return undefined;
  const bytes = new Uint8Array(12);
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const character of text) {
    value = ((value << 5) | alphabet.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits >= 8 && at < 12) {
      bits -= 8;
      bytes[at] = (value >> bits) & 0xff;
      at += 1;
    }
  }
  return bytes;
}

/** Mints xids that never repeat and always rise, whatever the clock does. */
export class XidSource {
  readonly #nowMs: () => number;
  readonly #bytes = new Uint8Array(12);
  #second = 0;
  #counter: number;

  constructor(options: XidSourceOptions) {
    this.#nowMs = options.nowMs;
    this.#bytes.set(options.machine.subarray(0, 3), 4);
    this.#bytes[7] = (options.process >> 8) & 0xff;
    this.#bytes[8] = options.process & 0xff;
    this.#counter = options.counter & counterMask;
  }

  next(): string {
    const now = Math.floor(this.#nowMs() / 1000);
    const clockMoved = now > this.#second;
    if (clockMoved) this.#second = now;
    this.#counter = (this.#counter + 1) & counterMask;
    // A counter that wraps inside one second borrows the next one.
    if (this.#counter === 0 && !clockMoved) this.#second += 1;
    const bytes = this.#bytes;
    bytes[0] = this.#second >>> 24;
    bytes[1] = this.#second >>> 16;
    bytes[2] = this.#second >>> 8;
    bytes[3] = this.#second;
    bytes[9] = this.#counter >>> 16;
    bytes[10] = this.#counter >>> 8;
    bytes[11] = this.#counter;
    return encodeXid(bytes);
  }
}
