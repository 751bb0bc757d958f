/** Makes one message record and nothing beside it. */
import { failure, type LockdError } from "../../api/errors.ts";
import { casAttemptsMax, unknownOutcomeReadDelayMs, unknownOutcomeReadsMax } from "../limits.ts";
import type { Step } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import { describeMessage } from "./fence.ts";
import type { Enqueued } from "./links.ts";
import { type Message, messageName } from "./message.ts";
import { encodeMessage } from "./message-codec.ts";
import type { MessageAt } from "./message-shell.ts";
import type { QueueParts } from "./queue-parts.ts";

export class LoneWrite {
  readonly #parts: QueueParts;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** The write that makes the message; it holds only while there is none of its name. */
  stepOf(at: MessageAt, message: Message, etag: string): Step {
    const name = messageName(at, at.messageId);
    return { kind: "put", name, bytes: encodeMessage(message, etag), when: { kind: "absent" } };
  }

  /**
   * One create-only write. After an unknown outcome it is never repeated: the message may have been
   * delivered and settled by now, and must not come again.
   * @throws store errors; with outcomeUnknown when it may exist
   */
  async write(at: MessageAt, message: Message): Promise<Enqueued> {
    const { store, random } = this.#parts.options;
    const etag = random.xid();
    const step = this.stepOf(at, message, etag);
    for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
      const result = await callStore(() => store.apply([step]));
      if (result.kind === "applied") return { kind: "new", message, etag, tag: result.tags[0] };
      if (result.kind === "unknown") return this.#findOut(at);
      // Nobody else uses this name: the store only said that it was busy with it.
    }
    throw failure("store_unavailable", `${describeMessage(at)}: the store does not take it`);
  }

  /** Nobody else makes a record of this name: if it is there, it is ours. */
  async #findOut(at: MessageAt): Promise<Enqueued> {
    for (let read = 0; read < unknownOutcomeReadsMax; read += 1) {
      const stored = await this.#parts.messages.look(at).catch((error: unknown) => {
        throw this.#unknown(at, error);
      });
      if (stored !== undefined) {
        return { kind: "new", message: stored.message, etag: stored.etag, tag: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#parts.options.clock.schedule(unknownOutcomeReadDelayMs * 2 ** read, resolve);
      });
    }
    throw this.#unknown(at, undefined);
  }

  #unknown(at: MessageAt, cause: unknown): LockdError {
    const detail = `${describeMessage(at)}: the outcome of a write could not be found out`;
    return failure("store_unavailable", detail, { outcomeUnknown: true, cause });
  }
}
