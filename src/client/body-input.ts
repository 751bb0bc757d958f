import { LockdConfigError } from "../api/errors.ts";
import type { BodyIn } from "../api/lockd.ts";
import { type KeptBody, keepBody } from "./body-spool.ts";
import type { ReplayableBody } from "./replayable-body.ts";
import type { BodyInput, BodySource } from "./types.ts";

/**
 * A body that can be sent again for whatever a caller gave: functions are called once per attempt,
 * one-shot streams are kept.
 */
export async function replayableBody(input: BodyInput): Promise<KeptBody> {
  const dispose = () => Promise.resolve();
  if (typeof input === "function") return { body: fromFunction(input), dispose };
  if (typeof input === "string") return { body: Buffer.from(input), dispose };
  if (input instanceof Uint8Array) return { body: input, dispose };
  if (input instanceof Blob) return { body: fromBlob(input), dispose };
  return await keepBody(chunksOf(input));
}

/** A body that is never kept: read again for another attempt where its form allows that. */
export function streamedBody(input: BodyInput): BodyIn {
  if (typeof input === "function") return fromFunction(input);
  if (typeof input === "string") return Buffer.from(input);
  if (input instanceof Uint8Array) return input;
  return input instanceof Blob ? fromBlob(input) : chunksOf(input);
}

/** A body for one attempt, never kept. */
export async function oneShotBody(input: BodyInput): Promise<BodyIn> {
  const source = typeof input === "function" ? await input() : input;
  return chunksOf(source);
}

/** JSON text of a value. @throws LockdConfigError when it has none */
export function jsonBody(value: unknown): Uint8Array {
  const text: unknown = JSON.stringify(value);
  if (typeof text === "string") return Buffer.from(text);
  throw new LockdConfigError("invalid_option", "a value without JSON form cannot be saved");
}

function fromFunction(input: () => BodySource | Promise<BodySource>): ReplayableBody {
  return {
    replayable: true,
    size: undefined,
    async *[Symbol.asyncIterator]() {
      yield* chunksOf(await input());
    },
  };
}

function fromBlob(blob: Blob): ReplayableBody {
  return {
    replayable: true,
    size: blob.size,
    [Symbol.asyncIterator]: () => chunksOf(blob),
  };
}

async function* chunksOf(source: BodySource): AsyncGenerator<Uint8Array> {
  if (typeof source === "string") yield Buffer.from(source);
  else if (source instanceof Uint8Array) yield source;
  else if (source instanceof Blob) yield* source.stream();
  else if (isIterable(source)) {
    for await (const chunk of source) yield bytesOf(chunk);
  } else {
    throw new LockdConfigError("invalid_option", "a body must be text, bytes, a Blob or a stream");
  }
}

function isIterable(source: unknown): source is AsyncIterable<unknown> {
  return typeof source === "object" && source !== null && Symbol.asyncIterator in source;
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return Buffer.from(chunk);
  throw new LockdConfigError("invalid_option", "the body stream yields something else than bytes");
}
