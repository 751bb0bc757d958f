import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BodyOut, BodyOutStream, StateResult } from "../api/lockd.ts";
import { utf8Text } from "./json-answer.ts";
import type { OnceBody, StateSnapshot } from "./types.ts";

/** A body of an answer in the form callers like; every way of reading takes it for good. */
export class ReadOnceBody implements OnceBody {
  readonly size?: number;
  readonly #body: BodyOut;
  #taken = false;

  /** `size` below 0 means unknown. */
  constructor(body: BodyOut, size: number) {
    this.#body = body;
    if (size >= 0) this.size = size;
  }

  stream(): ReadableStream<Uint8Array> {
    return ReadableStream.from(this.#take()) as ReadableStream<Uint8Array>;
  }

  nodeStream(): NodeJS.ReadableStream {
    return Readable.from(this.#take(), { objectMode: false });
  }

  async bytes(): Promise<Uint8Array> {
    if (this.#body instanceof Uint8Array) {
      this.#markTaken();
      return this.#body;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#take()) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async text(): Promise<string> {
    return utf8Text(await this.bytes());
  }

  async json<T = unknown>(): Promise<T> {
    return JSON.parse(await this.text()) as T;
  }

  async pipeTo(dst: WritableStream<Uint8Array> | NodeJS.WritableStream): Promise<number> {
    let bytes = 0;
    const counted = async function* (source: AsyncIterable<Uint8Array>) {
      for await (const chunk of source) {
        bytes += chunk.byteLength;
        yield chunk;
      }
    };
    const source = counted(this.#take());
    if ("getWriter" in dst) {
      await (ReadableStream.from(source) as ReadableStream<Uint8Array>).pipeTo(dst);
    } else {
      await pipeline(source, dst);
    }
    return bytes;
  }

  async close(): Promise<void> {
    this.#taken = true;
    if (!(this.#body instanceof Uint8Array)) await this.#body.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #markTaken(): void {
    if (this.#taken) throw new TypeError("this body was read or closed already");
    this.#taken = true;
  }

  #take(): AsyncIterable<Uint8Array> {
    this.#markTaken();
    return chunksOf(this.#body);
  }
}

/** A state as callers see it. */
export class Snapshot extends ReadOnceBody implements StateSnapshot {
  readonly exists: boolean;
  readonly etag: string;
  readonly version: number;

  constructor(state: StateResult) {
    super(state.body, state.size);
    this.exists = state.exists;
    this.etag = state.etag;
    this.version = state.version;
  }
}

async function* chunksOf(body: Uint8Array | BodyOutStream): AsyncGenerator<Uint8Array> {
  if (!(body instanceof Uint8Array)) yield* body;
  else if (body.byteLength > 0) yield body;
}
