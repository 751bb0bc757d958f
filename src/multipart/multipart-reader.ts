import type { MultipartDecoder, MultipartEvent } from "./multipart-decoder.ts";

/**
 * Reads a multipart body from a source, as fast as its events are taken. The source may use the
 * memory of a chunk again when it is asked for the next one: the bytes of an event are valid until
 * the next event is asked for.
 */
export class MultipartReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #decoder: MultipartDecoder;

  constructor(source: AsyncIterator<Uint8Array>, decoder: MultipartDecoder) {
    this.#source = source;
    this.#decoder = decoder;
  }

  /**
   * The next event.
   * @throws MalformedMultipart, and what the source throws
   */
  async next(): Promise<MultipartEvent> {
    for (;;) {
      const event = this.#decoder.next();
      if (event !== undefined) return event;
      const chunk = await this.#source.next();
      if (chunk.done === true) this.#decoder.finish();
      else this.#decoder.push(chunk.value);
    }
  }

  /** A copy of the rest of the current part, or of its beginning beyond `bytesMax`. */
  async collect(bytesMax: number): Promise<Collected> {
    const parts: Buffer[] = [];
    let bytes = 0;
    for (;;) {
      const event = await this.next();
      if (event.kind !== "data") return { whole: true, bytes: joined(parts) };
      bytes += event.bytes.length;
      parts.push(Buffer.from(event.bytes));
      if (bytes > bytesMax) return { whole: false, bytes: joined(parts) };
    }
  }

  /** The rest of the current part, piece by piece. */
  async *rest(): AsyncGenerator<Buffer> {
    for (;;) {
      const event = await this.next();
      if (event.kind !== "data") return;
      yield event.bytes;
    }
  }

  /** Reads over the rest of the current part. */
  async skip(): Promise<void> {
    while ((await this.next()).kind === "data");
  }
}

/** The beginning of a part; all of it when `whole`. */
export interface Collected {
  readonly whole: boolean;
  readonly bytes: Buffer;
}

function joined(parts: readonly Buffer[]): Buffer {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}
