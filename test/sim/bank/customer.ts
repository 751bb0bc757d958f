/** A seeded customer: enqueues orders to move money, and does not repeat what may have worked. */

import { Caller } from "../caller.ts";
import type { BankParts } from "./book.ts";
import { type Order, ordersQueue } from "./book.ts";

export class Customer {
  readonly #parts: BankParts;
  readonly #caller: Caller;

  constructor(parts: BankParts) {
    this.#parts = parts;
    this.#caller = new Caller(parts);
  }

  run(): Promise<void> {
    return this.#caller.rounds((at) => this.#order(at));
  }

  async #order(at: number): Promise<void> {
    const { accounts, rng, name, books } = this.#parts;
    const from = rng.below(accounts.length);
    const to = (from + 1 + rng.below(accounts.length - 1)) % accounts.length;
    const order: Order = {
      id: `${name}.${at}`,
      from: accounts[from] ?? "",
      to: accounts[to] ?? "",
      amount: 1 + rng.below(20),
    };
    const request = { queue: ordersQueue, maxAttempts: 1_000 };
    const bytes = Buffer.from(JSON.stringify(order));
    const { messageId } = await this.#caller.call(`order ${order.id}`, ({ queues }, signal) =>
      queues.enqueue(request, bytes, { signal }),
    );
    books.ordered.set(messageId, order.id);
  }
}
