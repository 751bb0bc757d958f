/**
 * Takes a payload in: a small one stays in memory for the record, a large one streams into an
 * object of its own and is never held whole.
 */
import type { BodyIn } from "../../api/lockd.ts";
import { inlinePayloadBytesMax } from "../limits.ts";
import type { Store } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import type { Payload } from "./message.ts";

export interface PayloadIntake {
  readonly body: BodyIn;
  readonly contentType: string;
  /** Name of the object if one is needed. */
  readonly objectName: string;
  readonly store: Store;
  readonly signal: AbortSignal | undefined;
}

/** @throws store errors, what the body throws, the reason of an aborted signal */
export async function takeInPayload(intake: PayloadIntake): Promise<Payload> {
  const { body } = intake;
  if (!(body instanceof Uint8Array)) return takeInStream(intake, body);
  if (body.length <= inlinePayloadBytesMax) return inlinePayload(intake.contentType, [body]);
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield body as Uint8Array;
  }
  return streamOut(intake, whole());
}

/** A copy: the caller's buffer may be a slice of a much larger one, or be used again. */
function inlinePayload(contentType: string, parts: readonly Uint8Array[]): Payload {
  const bytes = Buffer.concat(parts);
  return { size: bytes.length, contentType, place: { kind: "inline", bytes } };
}

async function takeInStream(
  intake: PayloadIntake,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Payload> {
  const source = chunks[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let bytes = 0;
  let done = false;
  try {
    while (!done && bytes <= inlinePayloadBytesMax) {
      intake.signal?.throwIfAborted();
      const next = await source.next();
      if (next.done === true) done = true;
      else {
        bytes += next.value.length;
        head.push(Uint8Array.prototype.slice.call(next.value));
      }
    }
    if (done) return inlinePayload(intake.contentType, head);
    return await streamOut(intake, rest(head, source));
  } finally {
    if (!done) await source.return?.().catch(() => undefined);
  }
}

async function* rest(
  head: readonly Uint8Array[],
  source: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* head;
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    yield next.value;
  }
}

async function streamOut(
  { objectName: name, contentType, store, signal }: PayloadIntake,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Payload> {
  const { size } = await callStore(() => store.putStream(name, chunks, signal));
  return { size, contentType, place: { kind: "object", name } };
}
