/** The multipart body of an enqueue (client-sdk.md 10.1). */
import { randomBytes } from "node:crypto";
import type { BodyIn } from "../../api/lockd.ts";
import type { EnqueueRequest } from "../../api/queues.ts";
import { isReplayable, type ReplayableBody } from "../replayable-body.ts";

/** Bytes of a boundary: no payload contains it by chance. */
const boundaryRandomBytes = 20;

export interface EnqueueBody {
  readonly contentType: string;
  readonly body: BodyIn;
}

/** Small payloads are one piece with what surrounds them, others stay streams. */
export function enqueueBody(request: EnqueueRequest, payload: BodyIn): EnqueueBody {
  const boundary = randomBytes(boundaryRandomBytes).toString("hex");
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="meta"\r\n` +
      `Content-Type: application/json\r\n\r\n${metaJson(request)}\r\n--${boundary}\r\n` +
      `Content-Disposition: form-data; name="payload"\r\n` +
      `Content-Type: ${partType(request.payloadContentType)}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, "latin1");
  const contentType = `multipart/related; boundary=${boundary}`;
  if (payload instanceof Uint8Array) {
    return { contentType, body: Buffer.concat([head, payload, tail]) };
  }
  if (!isReplayable(payload)) return { contentType, body: surrounded({ head, payload, tail }) };
  const again: ReplayableBody = {
    replayable: true,
    size: payload.size === undefined ? undefined : head.length + payload.size + tail.length,
    [Symbol.asyncIterator]: () => surrounded({ head, payload, tail }),
  };
  return { contentType, body: again };
}

async function* surrounded(parts: {
  readonly head: Uint8Array;
  readonly payload: AsyncIterable<Uint8Array>;
  readonly tail: Uint8Array;
}): AsyncGenerator<Uint8Array> {
  yield parts.head;
  yield* parts.payload;
  yield parts.tail;
}

/** For readers of raw traffic only; the metadata say what counts, and nothing may end this line. */
function partType(given: string | undefined): string {
  const type = given ?? "";
  return /^[\x20-\x7e]+$/.test(type) ? type : "application/octet-stream";
}

function metaJson(request: EnqueueRequest): string {
  return JSON.stringify({
    namespace: request.namespace,
    queue: request.queue,
    delay_seconds: request.delaySeconds,
    visibility_timeout_seconds: request.visibilityTimeoutSeconds,
    ttl_seconds: request.ttlSeconds,
    max_attempts: request.maxAttempts,
    attributes: request.attributes,
    payload_content_type: request.payloadContentType,
    max_deliveries: request.maxDeliveries,
    priority: request.priority,
    group: request.group,
    dedupe_key: request.dedupeKey,
    dedupe_window_seconds: request.dedupeWindowSeconds,
    txn_id: request.txnId,
  });
}
