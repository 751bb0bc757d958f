/**
 * Takes a state in: checks and compacts the JSON, hashes it, and puts it where it belongs, all in
 * one pass over the bytes. Small states stay in memory for the record; a large one streams into an
 * object of its own and is never held whole (http-core.md section 9).
 */
import { createHash, type Hash, hash as hashOnce } from "node:crypto";
import { failure } from "../../api/errors.ts";
import type { BodyIn } from "../../api/lockd.ts";
import { compactJson, JsonCompactor, JsonSyntaxError } from "../../lql/json/compact.ts";
import { inlineStateBytesMax, jsonDepthMax } from "../limits.ts";
import type { Store } from "../ports/store.ts";
import type { StoredState } from "../record/key-record.ts";
import { callStore } from "../store-failure.ts";

export interface IntakeRequest {
  readonly body: BodyIn;
  readonly jsonBytesMax: number;
  /** Code of the refusal beyond `jsonBytesMax`; `invalid_body` when absent. */
  readonly tooLargeCode?: "document_too_large";
  /** Of the raw bytes; undefined = not asked. */
  readonly expectedBytes: number | undefined;
  readonly expectedSha256: string | undefined;
  /** Makes the name of the object if one is needed. */
  readonly objectName: () => string;
  readonly store: Store;
  /** The body is known to be valid compact JSON: it is hashed and put away as it comes. */
  readonly compact?: true;
  readonly signal: AbortSignal | undefined;
}

/** @throws invalid_body, expected_bytes_mismatch, expected_sha256_mismatch, store errors */
export async function takeIn(request: IntakeRequest): Promise<StoredState> {
  const { body } = request;
  if (body instanceof Uint8Array && body.length <= inlineStateBytesMax) {
    return takeInSmall(request, body);
  }
  const chunks = body instanceof Uint8Array ? oneChunk(body) : body;
  return takeInStream(request, chunks);
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function takeInSmall(request: IntakeRequest, raw: Uint8Array): StoredState {
  if (raw.length > request.jsonBytesMax) throw tooLarge(request);
  let compacted: Uint8Array;
  try {
    compacted = request.compact === true ? raw : compactJson(raw, jsonDepthMax);
  } catch (error) {
    throw invalidBody(error);
  }
  checkExpected(request, raw.length, () => hashOnce("sha256", raw));
  // A copy: the request's buffer is a slice of a much larger one that would stay alive with it.
  const bytes = Buffer.allocUnsafe(compacted.length);
  bytes.set(compacted);
  return {
    etag: hashOnce("sha256", bytes),
    size: bytes.length,
    place: { kind: "inline", bytes },
  };
}

/** Raw bytes in, compacted bytes out; keeps the sums both sides need. */
class CompactingPass {
  rawBytes = 0;
  size = 0;
  readonly #compactor: JsonCompactor | undefined;
  readonly #hash = createHash("sha256");
  readonly #rawHash: Hash | undefined;
  readonly #request: IntakeRequest;

  constructor(request: IntakeRequest) {
    this.#request = request;
    if (request.compact !== true) this.#compactor = new JsonCompactor({ depthMax: jsonDepthMax });
    this.#rawHash = request.expectedSha256 === undefined ? undefined : createHash("sha256");
  }

  push(chunk: Uint8Array): Uint8Array {
    this.rawBytes += chunk.length;
    if (this.rawBytes > this.#request.jsonBytesMax) throw tooLarge(this.#request);
    this.#rawHash?.update(chunk);
    try {
      const compacted = this.#compactor?.push(chunk) ?? chunk;
      this.#hash.update(compacted);
      this.size += compacted.length;
      return compacted;
    } catch (error) {
      throw invalidBody(error);
    }
  }

  end(request: IntakeRequest): string {
    try {
      this.#compactor?.end();
    } catch (error) {
      throw invalidBody(error);
    }
    checkExpected(request, this.rawBytes, () => this.#rawHash?.digest("hex") ?? "");
    return this.#hash.digest("hex");
  }
}

async function takeInStream(
  request: IntakeRequest,
  chunks: AsyncIterable<Uint8Array>,
): Promise<StoredState> {
  const pass = new CompactingPass(request);
  const source = chunks[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let done = false;
  try {
    while (!done && pass.size <= inlineStateBytesMax) {
      request.signal?.throwIfAborted();
      const next = await source.next();
      if (next.done === true) done = true;
      // The compactor may reuse its buffer, so what is kept is copied.
      else head.push(Uint8Array.prototype.slice.call(pass.push(next.value)));
    }
    if (done) {
      const etag = pass.end(request);
      return { etag, size: pass.size, place: { kind: "inline", bytes: joined(head, pass.size) } };
    }
    return await streamOut(request, pass, compactedRest(head, source, pass));
  } finally {
    if (!done) await source.return?.().catch(() => undefined);
  }
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function* compactedRest(
  head: readonly Uint8Array[],
  source: AsyncIterator<Uint8Array>,
  pass: CompactingPass,
): AsyncGenerator<Uint8Array> {
  yield* head;
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    const compacted = pass.push(next.value);
    if (compacted.length > 0) yield compacted;
  }
}

async function streamOut(
  request: IntakeRequest,
  pass: CompactingPass,
  compacted: AsyncGenerator<Uint8Array>,
): Promise<StoredState> {
  const name = request.objectName();
  let etag = "";
  // The checks come before the stream ends, so that a bad body leaves no object behind.
  async function* checked(): AsyncGenerator<Uint8Array> {
    yield* compacted;
    etag = pass.end(request);
  }
  await callStore(() => request.store.putStream(name, checked(), request.signal));
  return { etag, size: pass.size, place: { kind: "object", name } };
}

function checkExpected(request: IntakeRequest, rawBytes: number, rawSha256: () => string): void {
  const { expectedBytes, expectedSha256 } = request;
  if (expectedBytes !== undefined && expectedBytes !== rawBytes) {
    throw failure(
      "expected_bytes_mismatch",
      `the body has ${rawBytes} bytes, not the ${expectedBytes} announced`,
    );
  }
  if (expectedSha256 !== undefined && expectedSha256 !== rawSha256()) {
    throw failure("expected_sha256_mismatch", "the body has another SHA-256 than announced");
  }
}

function tooLarge({ jsonBytesMax, tooLargeCode }: IntakeRequest): Error {
  const what = tooLargeCode === undefined ? "body" : "document";
  const detail = `the ${what} is larger than json-max (${jsonBytesMax} bytes)`;
  return failure(tooLargeCode ?? "invalid_body", detail);
}

function invalidBody(error: unknown): unknown {
  if (!(error instanceof JsonSyntaxError)) return error;
  return failure("invalid_body", `not one JSON value: ${error.reason} at byte ${error.position}`, {
    cause: error,
  });
}
