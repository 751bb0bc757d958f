/**
 * Looks at the store itself during a run: a commit that is finished has settled its messages.
 * One that is still in the transaction's hands by then was forgotten, and will be delivered again.
 * Only with right clocks, because it compares the end of a lease with the true time.
 */

import type { Namespace } from "../../../src/api/names.ts";
import { messageName, type QueueName } from "../../../src/engine/queue/message.ts";
import { decodeMessage } from "../../../src/engine/queue/message-codec.ts";
import { decodeMarker } from "../../../src/engine/txn/txn-codec.ts";
import { markerPrefix } from "../../../src/engine/txn/txn-record.ts";
import type { Scheduler } from "../scheduler.ts";
import { epochMs } from "../sim-clock.ts";
import type { StoreTruth } from "../store-truth.ts";
import { ordersQueue } from "./book.ts";

/** Shorter than the shortest lease of a message. */
const lookMs = 500;

export class SettlementWatch {
  readonly #truth: StoreTruth;
  readonly #scheduler: Scheduler;
  readonly #found: (text: string) => void;
  readonly #seen = new Set<string>();
  #stopped = false;

  constructor(
    parts: { readonly truth: StoreTruth; readonly scheduler: Scheduler },
    found: (text: string) => void,
  ) {
    this.#truth = parts.truth;
    this.#scheduler = parts.scheduler;
    this.#found = found;
  }

  start(): void {
    this.#scheduler.after(lookMs, () => {
      if (this.#stopped) return;
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #look(): void {
    for (const [name, { bytes }] of this.#truth.durable) {
      if (!name.startsWith(markerPrefix) || this.#seen.has(name)) continue;
      this.#seen.add(name);
      const { txnId, state, participants } = decodeMarker(name, bytes);
      if (state !== "commit") continue;
      for (const { key, namespace } of participants) {
        const messageId = key.split("/msg/")[1];
        if (messageId !== undefined) this.#check(txnId, namespace as Namespace, messageId);
      }
    }
  }

  #check(txnId: string, namespace: Namespace, messageId: string): void {
    const name = messageName({ namespace, queue: ordersQueue as QueueName }, messageId);
    const stored = this.#truth.durable.get(name);
    if (stored === undefined) return;
    const { lease } = decodeMessage(name, stored.bytes).message;
    if (lease?.txnId !== txnId) return;
    if (lease.expiresAtUnix * 1000 <= epochMs + this.#scheduler.now) return;
    this.#found(`${txnId} is committed and finished, and ${messageId} is still in its hands`);
  }
}
