import { failure } from "../../api/errors.ts";
import type { BodyIn } from "../../api/lockd.ts";
import { parseHeaderValue } from "../../multipart/header-value.ts";
import { boundaryLengthMax } from "../../multipart/limits.ts";
import { MalformedMultipart } from "../../multipart/malformed-multipart.ts";
import { MultipartDecoder } from "../../multipart/multipart-decoder.ts";
import { MultipartReader } from "../../multipart/multipart-reader.ts";
import { collectedBodyBytesMax, enqueuePartsMax, queueBodyBytesMax } from "../limits.ts";

/** The body of an enqueue as far as it had to be read. */
export interface EnqueueForm {
  /** JSON text of the part `meta`; undefined when there was none before the payload. */
  readonly meta: string | undefined;
  /** A stream that fails with `multipart_error` when the body breaks off. */
  readonly payload: BodyIn;
}

/**
 * The boundary of a `multipart/*` content type.
 * @throws invalid_content_type, multipart_error
 */
export function boundaryOf(contentType: string | undefined): string {
  const type = parseHeaderValue(contentType ?? "");
  if (type === undefined || !/^multipart\/[^\s/]+$/.test(type.main)) {
    const shown = JSON.stringify((contentType ?? "").slice(0, 100));
    throw failure("invalid_content_type", `content type ${shown} is not multipart/related`);
  }
  const boundary = type.parameters.get("boundary") ?? "";
  if (/^[\x20-\x7e]*[\x21-\x7e]$/.test(boundary) && boundary.length <= boundaryLengthMax) {
    return boundary;
  }
  throw failure(
    "multipart_error",
    `the content type needs a boundary of 1 to ${boundaryLengthMax} printable characters`,
  );
}

/**
 * Reads up to the payload; whatever follows the payload is of no interest (http-queue.md 3.1).
 * @throws multipart_error, invalid_body
 */
export async function readEnqueueForm(
  source: AsyncIterator<Uint8Array>,
  boundary: string,
): Promise<EnqueueForm> {
  const reader = new MultipartReader(source, new MultipartDecoder(boundary));
  try {
    return await readParts(reader);
  } catch (error) {
    throw told(error);
  }
}

async function readParts(reader: MultipartReader): Promise<EnqueueForm> {
  let meta: string | undefined;
  for (let parts = 0; parts < enqueuePartsMax; parts += 1) {
    const event = await reader.next();
    if (event.kind === "end") return { meta, payload: new Uint8Array(0) };
    const name = event.kind === "part" ? event.headers.name : undefined;
    if (name === "payload") return { meta, payload: await payloadOf(reader) };
    if (name === "meta" && meta === undefined) meta = await metaOf(reader);
    else await reader.skip();
  }
  throw new MalformedMultipart(`more than ${enqueuePartsMax} parts come before the payload`);
}

async function metaOf(reader: MultipartReader): Promise<string> {
  const { whole, bytes } = await reader.collect(queueBodyBytesMax);
  if (whole) return bytes.toString();
  throw failure("invalid_body", `the meta part is larger than ${queueBodyBytesMax} bytes`);
}

/** A small payload whole, so that it is known to be complete; others as they come. */
async function payloadOf(reader: MultipartReader): Promise<BodyIn> {
  const { whole, bytes } = await reader.collect(collectedBodyBytesMax);
  return whole ? bytes : following(bytes, reader);
}

async function* following(first: Uint8Array, reader: MultipartReader): AsyncGenerator<Uint8Array> {
  yield first;
  try {
    yield* reader.rest();
  } catch (error) {
    throw told(error);
  }
}

function told(error: unknown): unknown {
  return error instanceof MalformedMultipart ? failure("multipart_error", error.message) : error;
}
