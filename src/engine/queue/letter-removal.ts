/** Deleting dead letters for good. */
import { isApplied, type Letter, removalOf } from "./dead-letter.ts";
import { isLeased } from "./fence.ts";
import { isExhausted, type Message, payloadObjects } from "./message.ts";
import { keep } from "./message-decision.ts";
import type { MessageAt } from "./message-shell.ts";
import type { QueueParts } from "./queue-parts.ts";

export class LetterRemoval {
  readonly #parts: QueueParts;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /**
   * Deletes a dead letter with its payload and state; false when somebody else was faster. Only
   * then is anything else touched: whoever puts the letter back needs them.
   */
  async remove(letter: Letter): Promise<boolean> {
    const { options, garbage } = this.#parts;
    const { at, message } = letter;
    if (!(await isApplied(options.store, [removalOf(letter)]))) return false;
    // Redriven at the same time, on a store without atomic plans: they belong to the message.
    if (await this.#isAlive(at)) return true;
    garbage.discard(payloadObjects(message));
    if (message.stateEtag !== undefined) await this.#eraseState(at);
    return true;
  }

  /**
   * True when there is a message of that id that goes on living. One that was half buried is not:
   * it goes as well, or the next look at it would make the letter once more.
   */
  async #isAlive(at: MessageAt): Promise<boolean> {
    const { messages, options, transactions } = this.#parts;
    const known = (await messages.look(at))?.message;
    if (known === undefined) return false;
    if (isAlive(known, options.clock.wallMs())) return true;
    // As before every burial: nobody is to commit what is gone.
    if (known.lease?.explicit === true) await transactions.finishLapsed(known.lease.txnId);
    let gone: Message | undefined;
    return messages.transact<boolean>(
      at,
      (current, nowMs) => {
        if (current === undefined) return keep(false);
        if (isAlive(current.message, nowMs)) return keep(true);
        gone = current.message;
        return { kind: "delete", gone, answer: false };
      },
      async () => {
        if (gone?.stateEtag !== undefined) await this.#eraseState(at);
      },
    );
  }

  /** Best effort: the sweeper takes away what has no message. */
  async #eraseState(at: MessageAt): Promise<void> {
    await this.#parts.states.erase(at).catch(() => undefined);
  }
}

function isAlive(message: Message, nowMs: number): boolean {
  return isLeased(message, nowMs) || !isExhausted(message);
}
