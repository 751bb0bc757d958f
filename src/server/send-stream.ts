import type { BodyOutStream } from "../api/lockd.ts";
import { ClientGone, type Exchange } from "./exchange.ts";

/** A 200 whose body is longer than one would hold. */
export interface StreamedAnswer {
  readonly body: BodyOutStream;
  /** Flat list of names and values. */
  readonly headers: readonly string[];
  /** Bytes of the body. */
  readonly size: number;
}

/** Sends as fast as the client reads; a failure on the way cuts the connection. */
export async function sendStream(exchange: Exchange, answer: StreamedAnswer): Promise<void> {
  const { response } = exchange;
  const { body, headers, size } = answer;
  try {
    if (response.destroyed) throw new ClientGone();
    response.writeHead(200, exchange.head(headers, size));
    await sendBody(exchange, body, size);
  } finally {
    await body.close();
  }
}

async function sendBody(exchange: Exchange, body: BodyOutStream, size: number): Promise<void> {
  let left = size;
  for await (const chunk of body.lent?.() ?? body) {
    left -= chunk.length;
    // Not behind the loop: the client would have all of it, and no word that it is over here.
    if (left === 0) return exchange.endThrough(chunk);
    if (left < 0) break;
    await exchange.writeThrough(chunk);
  }
  if (left !== 0) throw new Error("a body is not as long as its record says");
  exchange.response.end();
}
