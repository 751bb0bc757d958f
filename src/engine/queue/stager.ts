/**
 * Enqueue inside a transaction: the message is durable before its producer is answered, and nobody
 * sees it before the commit.
 *
 * Where plans are atomic, message and enlistment are one write. Elsewhere the message is written
 * first and enlisted then: a decision that knows of it always finds it. What a producer that dies
 * in between leaves behind is in no transaction, so nothing ever lets it appear; the sweeper takes
 * it away, and whoever was only slow notices that by one more look.
 */
import { failure } from "../../api/errors.ts";
import { messageKeyOf } from "../../api/message-keys.ts";
import { stagedKeyLooksMax } from "../limits.ts";
import { dedupeRecordOf } from "./link-records.ts";
import type { Enqueued } from "./links.ts";
import type { LoneWrite } from "./lone-write.ts";
import type { Message, QueueId } from "./message.ts";
import { keep } from "./message-decision.ts";
import { isMessageId } from "./message-ids.ts";
import type { MessageAt } from "./message-shell.ts";
import type { QueueParts } from "./queue-parts.ts";
import { dueMsOf, isStagedBy } from "./staged.ts";

export class Stager {
  readonly #parts: QueueParts;
  readonly #alone: LoneWrite;

  constructor(parts: QueueParts, alone: LoneWrite) {
    this.#parts = parts;
    this.#alone = alone;
  }

  /**
   * Ids of the messages of one queue that take part in a transaction, oldest first.
   * @throws txn_conflict when it is decided already
   */
  async members(txnId: string, { namespace, queue }: QueueId): Promise<readonly string[]> {
    const prefix = messageKeyOf({ queue, messageId: "" });
    const participants = await this.#parts.transactions.joining.participants(txnId);
    return participants
      .filter((one) => one.namespace === namespace && one.key.startsWith(prefix))
      .map(({ key }) => key.slice(prefix.length))
      .filter(isMessageId)
      .sort();
  }

  /**
   * Makes the message durable as a part of its transaction. With a dedupe key, the message that has
   * it already: a committed one, or one of the same transaction. Two transactions do not see each
   * other; of their messages the one that is committed first appears.
   * @throws txn_conflict, store errors; with outcomeUnknown when it may be there
   */
  async stage(at: MessageAt, message: Message, members: readonly string[]): Promise<Enqueued> {
    const first = await this.#duplicateOf(at, message, members);
    if (first !== undefined) return first;
    const { store } = this.#parts.options;
    return store.capabilities.atomicPlan
      ? this.#together(at, message)
      : this.#oneByOne(at, message);
  }

  async #duplicateOf(
    at: MessageAt,
    { dedupe, staged }: Message,
    members: readonly string[],
  ): Promise<Enqueued | undefined> {
    if (dedupe === undefined || staged === undefined) return undefined;
    const committed = await this.#parts.links.holderOf(at, dedupe.key);
    if (committed !== undefined) return { kind: "duplicate", of: committed };
    for (const messageId of members.slice(-stagedKeyLooksMax)) {
      const stored = await this.#parts.messages.look({ ...at, messageId });
      if (!isStagedBy(stored?.message, staged.txnId)) continue;
      const { message } = stored ?? {};
      if (message?.dedupe?.key !== dedupe.key) continue;
      const of = dedupeRecordOf(messageId, message, { writeId: "" });
      return { kind: "duplicate", of: { ...of, notVisibleUntilMs: dueMsOf(message) } };
    }
    return undefined;
  }

  async #together(at: MessageAt, message: Message): Promise<Enqueued> {
    const { options, transactions, messages } = this.#parts;
    const etag = options.random.xid();
    const tag = await transactions.joining.together({
      txnId: message.staged?.txnId ?? "",
      place: { namespace: at.namespace, key: messageKeyOf(at) },
      expiresAtUnix: this.#deadline(),
      steps: [this.#alone.stepOf(at, message, etag)],
      isThere: async () => (await messages.look(at)) !== undefined,
    });
    return { kind: "new", message, etag, tag };
  }

  async #oneByOne(at: MessageAt, message: Message): Promise<Enqueued> {
    const { transactions, messages } = this.#parts;
    const txnId = message.staged?.txnId ?? "";
    const written = await this.#alone.write(at, message);
    const participants = [{ namespace: at.namespace, key: messageKeyOf(at) }];
    try {
      const expiresAtUnix = this.#deadline();
      await transactions.enlist(txnId, participants, { expiresAtUnix, sends: true });
    } catch (error) {
      // Refused for certain: it is in no transaction. Otherwise the transaction may know of it.
      const mayBeIn = (error as { outcomeUnknown?: unknown }).outcomeUnknown === true;
      if (!mayBeIn) await this.#withdraw(at, txnId);
      throw error;
    }
    if ((await messages.look(at)) !== undefined) return written;
    // Decided, applied and settled since then, or taken away.
    if ((await transactions.joining.outcome(txnId)) === "commit") return written;
    throw failure("txn_conflict", `transaction ${txnId} was rolled back meanwhile`);
  }

  /** Best effort: what stays is in no transaction, and the sweeper's. */
  async #withdraw(at: MessageAt, txnId: string): Promise<void> {
    await this.#parts.messages
      .transact<undefined>(at, (current) =>
        current !== undefined && isStagedBy(current.message, txnId)
          ? { kind: "delete", gone: current.message, answer: undefined }
          : keep(undefined),
      )
      .catch(() => undefined);
  }

  /** A staged message has no lease: each keeps its transaction open for as long as one would. */
  #deadline(): number {
    const { clock, defaultTtlSeconds } = this.#parts.options;
    return Math.floor(clock.wallMs() / 1000) + defaultTtlSeconds;
  }
}
