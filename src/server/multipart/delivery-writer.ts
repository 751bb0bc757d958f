import assert from "node:assert";
import type { BodyOut } from "../../api/lockd.ts";
import type { Exchange } from "../exchange.ts";
import { joinedDeliveryBytesMax } from "../limits.ts";
import { newBoundary, type PayloadHead, partHeads } from "./delivery-parts.ts";

export interface WrittenDelivery extends PayloadHead {
  /** JSON text of the meta part. */
  readonly meta: string;
  readonly payload: BodyOut;
}

/**
 * Writes meta and payload pairs into an answer as fast as the client reads. Behind every payload
 * comes the beginning of the next delimiter at once, so that a client which scans for it sees the
 * payload's end before there is a next message (http-queue.md section 6.3).
 */
export class DeliveryWriter {
  readonly #exchange: Exchange;
  readonly #boundary = newBoundary();
  #begun = false;
  #broken = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** True when the answer's head is out: from then on there is no error answer. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * Writes one pair, closing its payload; `index` numbers those of a batch.
   * @throws ClientGone, or what the payload's source throws: the answer cannot be completed then
   */
  async write(delivery: WrittenDelivery, index?: number): Promise<void> {
    try {
      await this.#write(delivery, index);
    } finally {
      if (!(delivery.payload instanceof Uint8Array)) await delivery.payload.close();
    }
  }

  async #write(delivery: WrittenDelivery, index: number | undefined): Promise<void> {
    const { payload } = delivery;
    const opening = this.#begun ? "" : `--${this.#boundary}`;
    this.#begin();
    const boundary = this.#boundary;
    const head = Buffer.from(
      opening + partHeads({ boundary, meta: delivery.meta, payload: delivery, index }),
    );
    const tail = Buffer.from(`\r\n--${boundary}`, "latin1");
    if (payload instanceof Uint8Array && payload.length <= joinedDeliveryBytesMax) {
      assert(payload.length === delivery.payloadBytes, "a payload is as long as it says");
      await this.#exchange.write(Buffer.concat([head, payload, tail]));
      return;
    }
    this.#broken = true;
    await this.#exchange.write(head);
    await this.#stream(payload, delivery.payloadBytes);
    await this.#exchange.write(tail);
    this.#broken = false;
  }

  /** The closing delimiter and nothing more; in the middle of a payload the connection is cut. */
  end(): void {
    const { response } = this.#exchange;
    if (response.destroyed) return;
    if (this.#broken) response.destroy();
    else response.end("--\r\n", "latin1");
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const { response } = this.#exchange;
    if (response.destroyed) return;
    const type = `multipart/related; boundary=${this.#boundary}`;
    response.writeHead(200, this.#exchange.head(["Content-Type", type], undefined));
  }

  /** Counted: one byte too few or too many would be taken for the next delimiter. */
  async #stream(payload: BodyOut, announced: number): Promise<void> {
    let left = announced;
    const chunks = payload instanceof Uint8Array ? [payload] : (payload.lent?.() ?? payload);
    for await (const chunk of chunks) {
      left -= chunk.length;
      if (left < 0) break;
      await this.#exchange.writeThrough(chunk);
    }
    if (left !== 0) throw new Error("a payload is not as long as its record says");
  }
}
