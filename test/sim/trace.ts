/** What happened, as one hash (two runs of a seed must agree) and, when asked for, as text. */

/** Lines kept at most, so that a long replay does not eat the memory of the machine. */
const traceLinesMax = 200_000;

export class Trace {
  readonly #lines: string[] = [];
  readonly #keep: boolean;
  #hash = 0x811c9dc5;

  constructor(keep: boolean) {
    this.#keep = keep;
  }

  note(atMs: number, text: string): void {
    let hash = Math.imul(this.#hash ^ Math.round(atMs * 1000), 0x01000193);
    for (let i = 0; i < text.length; i += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    }
    this.#hash = hash >>> 0;
    if (!this.#keep) return;
    this.#lines.push(`${atMs.toFixed(3).padStart(12)}  ${text}`);
    if (this.#lines.length > traceLinesMax) this.#lines.splice(0, traceLinesMax / 2);
  }

  get hash(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}
