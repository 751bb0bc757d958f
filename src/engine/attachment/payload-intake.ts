/**
 * Takes a payload in: counts it, hashes it and hands it on to an object of its own as it comes, so
 * that nothing of it is held (http-core.md section 10.10).
 */
import { createHash } from "node:crypto";
import { failure } from "../../api/errors.ts";
import type { BodyIn } from "../../api/lockd.ts";
import type { Store } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";

export interface PayloadRequest {
  readonly body: BodyIn;
  /** For messages. */
  readonly name: string;
  readonly bytesMax: number;
  /** The object to write; never used before. */
  readonly object: string;
  readonly store: Store;
  readonly signal: AbortSignal | undefined;
}

export interface StoredPayload {
  readonly size: number;
  readonly sha256: string;
}

/**
 * Durable when it resolves; nothing is left when it rejects.
 * @throws attachment_too_large at the first byte too many, store errors, what the body throws
 */
export async function takePayload(request: PayloadRequest): Promise<StoredPayload> {
  const { body, name, bytesMax, object, store, signal } = request;
  const hash = createHash("sha256");
  let size = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      size += chunk.length;
      if (size > bytesMax) {
        const detail = `attachment "${name}" is larger than ${bytesMax} bytes`;
        throw failure("attachment_too_large", detail);
      }
      hash.update(chunk);
      yield chunk;
    }
  }
  await callStore(() => store.putStream(object, counted(), signal));
  return { size, sha256: hash.digest("hex") };
}
