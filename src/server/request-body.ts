import type { IncomingMessage } from "node:http";
import type { ErrorCode } from "../api/error-registry.ts";
import { failure } from "../api/errors.ts";
import type { BodyIn } from "../api/lockd.ts";
import { freeBytes } from "../bytes/free-bytes.ts";
import type { Exchange } from "./exchange.ts";
import { collectedBodyBytesMax } from "./limits.ts";
import { RequestChunks } from "./request-chunks.ts";

/** The announced length; undefined for chunked bodies. */
function announcedLength(request: IncomingMessage): number | undefined {
  const header = request.headers["content-length"];
  return header === undefined ? undefined : Number(header);
}

/** True when the request certainly has no body. */
function hasNoBody(request: IncomingMessage): boolean {
  const length = request.headers["content-length"];
  return length === "0" || (length === undefined && !("transfer-encoding" in request.headers));
}

/**
 * The whole body.
 * @throws `code` beyond `bytesMax`; rejects when the client breaks off
 */
export function collect(
  exchange: Exchange,
  bytesMax: number,
  code: ErrorCode,
): Promise<Uint8Array> {
  const { request } = exchange;
  if (hasNoBody(request)) return Promise.resolve(new Uint8Array(0));
  const tooLarge = (): Error => failure(code, `the body is larger than ${bytesMax} bytes`);
  if ((announcedLength(request) ?? 0) > bytesMax) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let size = 0;
    // Let go at the end: a caller may wait for hours now, and all of this would wait with it.
    const letGo = (): void => {
      request.off("data", take);
      request.off("end", end);
      request.off("error", reject);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > bytesMax) {
        letGo();
        request.resume();
        reject(tooLarge());
        return;
      }
      if (first === undefined) first = chunk;
      else {
        rest ??= [first];
        rest.push(chunk);
      }
    };
    const end = (): void => {
      letGo();
      resolve(rest === undefined ? (first ?? Buffer.alloc(0)) : join(rest));
    };
    request.on("data", take);
    request.on("end", end);
    request.on("error", reject);
  });
}

function join(parts: readonly Buffer[]): Buffer {
  const whole = Buffer.concat(parts);
  for (const part of parts) freeBytes(part);
  return whole;
}

/** The body as text; JSON is UTF-8. */
export async function collectText(
  exchange: Exchange,
  bytesMax: number,
  code: ErrorCode,
): Promise<string> {
  const bytes = await collect(exchange, bytesMax, code);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

/**
 * The body of a state or an attachment: small ones whole, others as a stream whose chunks are
 * valid until the next one is asked for.
 */
export async function stateBody(exchange: Exchange): Promise<BodyIn> {
  const { request } = exchange;
  const length = announcedLength(request);
  if (hasNoBody(request)) return new Uint8Array(0);
  if (length !== undefined && length <= collectedBodyBytesMax) {
    return collect(exchange, collectedBodyBytesMax, "invalid_body");
  }
  return new RequestChunks(request);
}

/** The body as it comes, however long; fails when the client breaks off. */
export function bodyChunks(exchange: Exchange): AsyncIterator<Uint8Array> {
  const { request } = exchange;
  const length = announcedLength(request);
  if (length !== undefined && length <= collectedBodyBytesMax) return wholeBody(exchange);
  return new RequestChunks(request);
}

/** A short body in one piece: cheaper than a stream of its own. */
function wholeBody(exchange: Exchange): AsyncIterator<Uint8Array> {
  let taken = false;
  return {
    async next() {
      if (taken) return { done: true, value: undefined };
      taken = true;
      return { done: false, value: await collect(exchange, collectedBodyBytesMax, "invalid_body") };
    },
  };
}
