import type { Delivery, DeliveryStream } from "../../api/queues.ts";
import type { PairReader } from "./pair-reader.ts";
import { deliveryFacts } from "./queue-wire-answer.ts";

/** What of a delivery it takes to give it back. */
export type UnreadDelivery = Omit<Delivery, "payload">;

/**
 * The deliveries of one subscription as they come over HTTP. Closing gives back what the server
 * has sent ahead and nobody asked for.
 */
export class HttpDeliveryStream implements DeliveryStream {
  readonly #reader: PairReader;
  readonly #giveBack: (unread: readonly UnreadDelivery[]) => Promise<void>;
  #next: Promise<Delivery | undefined> | undefined;
  #closed: Promise<void> | undefined;

  /** Resolves with the first delivery in hand. */
  static async open(
    reader: PairReader,
    giveBack: (unread: readonly UnreadDelivery[]) => Promise<void>,
  ): Promise<HttpDeliveryStream> {
    const stream = new HttpDeliveryStream(reader, giveBack);
    const first = stream.#read();
    try {
      await first;
    } catch (error) {
      await reader.close();
      throw error;
    }
    stream.#next = first;
    return stream;
  }

  private constructor(
    reader: PairReader,
    giveBack: (unread: readonly UnreadDelivery[]) => Promise<void>,
  ) {
    this.#reader = reader;
    this.#giveBack = giveBack;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery> {
    try {
      for (;;) {
        const delivery = await this.#take();
        if (delivery === undefined) return;
        yield delivery;
      }
    } catch (error) {
      // A stream that we closed ourselves is over, however its connection took it.
      if (this.#closed === undefined) throw error;
    } finally {
      await this.close();
    }
  }

  async #take(): Promise<Delivery | undefined> {
    if (this.#closed !== undefined) return undefined;
    const next = this.#next ?? this.#read();
    this.#next = next;
    const delivery = await next;
    // Closed meanwhile: it was counted among the unread.
    if (this.#closed !== undefined) return undefined;
    this.#next = undefined;
    return delivery;
  }

  async #read(): Promise<Delivery | undefined> {
    const pair = await this.#reader.next();
    if (pair === undefined) return undefined;
    return { ...deliveryFacts(pair.meta), payload: pair.payload };
  }

  async #close(): Promise<void> {
    const next = this.#next;
    const unread = this.#arrived();
    await this.#reader.close();
    // The read under way ends with the connection; when it was done, it is the first unread one.
    const pending = await next?.catch(() => undefined);
    await this.#giveBack(pending === undefined ? unread : [pending, ...unread]);
  }

  #arrived(): UnreadDelivery[] {
    try {
      return this.#reader.arrived().map(deliveryFacts);
    } catch {
      // Broken bytes: those leases end by themselves.
      return [];
    }
  }
}
