import { LockdProtocolError, LockdTransportError } from "../../api/errors.ts";
import type { BodyOut, BodyOutStream } from "../../api/lockd.ts";
import { parseHeaderValue } from "../../multipart/header-value.ts";
import { MalformedMultipart, TruncatedMultipart } from "../../multipart/malformed-multipart.ts";
import { MultipartDecoder } from "../../multipart/multipart-decoder.ts";
import { MultipartReader } from "../../multipart/multipart-reader.ts";
import { headerText } from "../answer-headers.ts";
import { AnswerStream } from "../answer-stream.ts";
import { keepBody } from "../body-spool.ts";
import type { EndpointAnswer } from "../failover.ts";
import { batchPayloadBytesMax, collectedPayloadBytesMax, deliveryMetaBytesMax } from "../limits.ts";

/** Metadata and payload as they came. */
export interface Pair {
  /** JSON text. */
  readonly meta: Uint8Array;
  readonly payload: BodyOut;
}

/**
 * Reads the meta and payload pairs of a `multipart/related` answer. Payloads end by their announced
 * length, so that a complete message is never held up by what comes after it.
 */
export class PairReader {
  readonly #body: BodyOut;
  readonly #decoder: MultipartDecoder;
  readonly #reader: MultipartReader;
  /** The payload that was handed out as a stream and not read to its end yet. */
  #open: PayloadStream | undefined;

  /** @throws LockdProtocolError when the answer is no multipart */
  constructor(answer: EndpointAnswer) {
    this.#body = answer.body;
    const type = parseHeaderValue(headerText(answer.headers, "content-type") ?? "");
    const boundary = type?.parameters.get("boundary") ?? "";
    if (type?.main.startsWith("multipart/") !== true || boundary === "") {
      throw new LockdProtocolError("protocol", "the answer's content type is not multipart");
    }
    this.#decoder = new MultipartDecoder(boundary, { counted: true });
    this.#reader = new MultipartReader(iteratorOf(answer.body), this.#decoder);
  }

  /**
   * The next pair, after the rest of the last payload was read over; undefined at the end.
   * @throws LockdTransportError when the answer breaks off, LockdProtocolError
   */
  next(): Promise<Pair | undefined> {
    return told(async () => {
      await this.#finishOpen();
      const meta = await this.#meta();
      if (meta === undefined) return undefined;
      const { whole, bytes } = await this.#payload();
      if (whole) return { meta, payload: bytes };
      this.#open = new PayloadStream(this.#reader, bytes);
      return { meta, payload: this.#open };
    });
  }

  /** Frees the connection; cuts it when the answer was not read to its end. */
  async close(): Promise<void> {
    if (!(this.#body instanceof Uint8Array)) await this.#body.close();
  }

  /** Metadata of pairs that have arrived already and were not asked for. */
  arrived(): Uint8Array[] {
    if (!(this.#body instanceof AnswerStream)) return [];
    const metas: Buffer[] = [];
    let meta: Buffer[] | undefined;
    const take = (): void => {
      for (let event = this.#decoder.next(); event !== undefined; event = this.#decoder.next()) {
        if (event.kind === "end") return;
        if (event.kind === "part") meta = event.headers.name === "meta" ? [] : undefined;
        if (event.kind === "data") meta?.push(event.bytes);
        if (event.kind === "part-end" && meta !== undefined) metas.push(Buffer.concat(meta));
      }
    };
    take();
    for (const chunk of this.#body.takeArrived()) {
      this.#decoder.push(chunk);
      take();
    }
    return metas;
  }

  async #finishOpen(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.finish();
  }

  async #meta(): Promise<Uint8Array | undefined> {
    const event = await this.#reader.next();
    if (event.kind === "end") return undefined;
    expectPart(event.kind === "part" ? event.headers.name : undefined, "meta");
    const { whole, bytes } = await this.#reader.collect(deliveryMetaBytesMax);
    if (whole) return bytes;
    const message = `a delivery's metadata are longer than ${deliveryMetaBytesMax} bytes`;
    throw new LockdProtocolError("protocol", message);
  }

  async #payload() {
    const event = await this.#reader.next();
    expectPart(event.kind === "part" ? event.headers.name : undefined, "payload");
    return await this.#reader.collect(collectedPayloadBytesMax);
  }
}

/** A payload too long to be held, read from the answer as it is taken. */
class PayloadStream implements BodyOutStream {
  readonly #reader: MultipartReader;
  #rest: AsyncGenerator<Buffer> | undefined;
  #taken = false;
  #over = false;

  constructor(reader: MultipartReader, first: Buffer) {
    this.#reader = reader;
    this.#rest = this.#read(first);
  }

  async *#read(first: Buffer): AsyncGenerator<Buffer> {
    yield first;
    for (;;) {
      const event = await told(() => this.#reader.next());
      if (event.kind !== "data") break;
      yield event.bytes;
    }
    this.#over = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (this.#taken || this.#rest === undefined) {
      throw new TypeError("this payload was read or closed already");
    }
    this.#taken = true;
    for (;;) {
      // Not `yield*`: leaving early must not end the source, whose rest is still in the way.
      const piece = await this.#rest?.next();
      if (piece === undefined || piece.done === true) return;
      yield piece.value;
    }
  }

  /** Reads over what is left, so that the next part comes. */
  async finish(): Promise<void> {
    this.#taken = true;
    const rest = this.#rest;
    this.#rest = undefined;
    while (!this.#over && rest !== undefined && (await rest.next()).done !== true);
  }

  close(): Promise<void> {
    this.#taken = true;
    return Promise.resolve();
  }
}

/**
 * All pairs of an answer. Payloads but the smallest are kept in temporary files, because a payload
 * has to be read before the next pair can be.
 */
export async function allPairs(reader: PairReader): Promise<Pair[]> {
  const pairs: Pair[] = [];
  try {
    for (let pair = await reader.next(); pair !== undefined; pair = await reader.next()) {
      pairs.push({ meta: pair.meta, payload: await kept(pair.payload) });
    }
  } catch (error) {
    for (const { payload } of pairs) if (!(payload instanceof Uint8Array)) await payload.close();
    throw error;
  } finally {
    await reader.close();
  }
  return pairs;
}

async function kept(payload: BodyOut): Promise<BodyOut> {
  if (payload instanceof Uint8Array) return payload;
  const { body, dispose } = await keepBody(payload, batchPayloadBytesMax);
  if (body instanceof Uint8Array) return body;
  return {
    async *[Symbol.asyncIterator]() {
      try {
        yield* body;
      } finally {
        await dispose();
      }
    },
    close: dispose,
  };
}

/**
 * The only pair of an answer. With its payload the whole answer is over: reading it to its end or
 * closing it frees the connection.
 */
export async function onlyPair(reader: PairReader): Promise<Pair | undefined> {
  let pair: Pair | undefined;
  try {
    pair = await reader.next();
  } catch (error) {
    await reader.close();
    throw error;
  }
  if (pair === undefined || pair.payload instanceof Uint8Array) {
    await reader.close();
    return pair;
  }
  const { meta, payload } = pair;
  return {
    meta,
    payload: {
      async *[Symbol.asyncIterator]() {
        try {
          yield* payload;
          await reader.next();
        } finally {
          await reader.close();
        }
      },
      close: () => reader.close(),
    },
  };
}

function expectPart(name: string | undefined, wanted: string): void {
  if (name === wanted) return;
  const found = name === undefined ? "no part" : `a part "${name.slice(0, 40)}"`;
  throw new LockdProtocolError("protocol", `the answer has ${found} where "${wanted}" belongs`);
}

async function* chunksOf(body: BodyOut): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

function iteratorOf(body: BodyOut): AsyncIterator<Uint8Array> {
  return chunksOf(body);
}

/** Tells broken bytes in the words of the client. */
async function told<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TruncatedMultipart) {
      throw new LockdTransportError("truncated", error.message, { cause: error });
    }
    if (error instanceof MalformedMultipart) {
      throw new LockdProtocolError("protocol", error.message, { cause: error });
    }
    throw error;
  }
}
