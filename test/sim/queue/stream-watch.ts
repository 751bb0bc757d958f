/**
 * Looks at the store a while after a stream was closed at its node: what the stream had leased and
 * nobody was given is in nobody's hands any more, long before its lease is over. Only where the
 * store does what it is asked and nobody dies, because giving back is a write like any other.
 */
import { messagePrefix } from "../../../src/engine/queue/message.ts";
import { decodeMessage } from "../../../src/engine/queue/message-codec.ts";
import type { Scheduler } from "../scheduler.ts";
import { epochMs } from "../sim-clock.ts";
import type { StoreTruth } from "../store-truth.ts";
import type { ClosedStream } from "./subscriber.ts";

/** Shorter than the leases of streams. */
const graceMs = 1_000;

export class StreamWatch {
  readonly #truth: StoreTruth;
  readonly #scheduler: Scheduler;
  readonly #found: (text: string) => void;

  constructor(
    parts: { readonly truth: StoreTruth; readonly scheduler: Scheduler },
    found: (text: string) => void,
  ) {
    this.#truth = parts.truth;
    this.#scheduler = parts.scheduler;
    this.#found = found;
  }

  closed(stream: ClosedStream): void {
    this.#scheduler.after(graceMs, () => this.#look(stream));
  }

  #look({ owner, handed, node, life }: ClosedStream): void {
    if (!node.process.isAlive(life)) return;
    const nowMs = epochMs + this.#scheduler.now;
    for (const { name, bytes } of this.#truth.objects(messagePrefix)) {
      const { lease } = decodeMessage(name, bytes).message;
      if (lease?.owner !== owner || handed.has(lease.id)) continue;
      if (lease.expiresAtUnix * 1000 > nowMs) this.#found(`${owner} is closed and keeps ${name}`);
    }
  }
}
