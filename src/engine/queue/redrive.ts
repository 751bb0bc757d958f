/**
 * Dead letters put back into their queue: the message is written first and the letter deleted then,
 * so that a crash between the two loses nothing.
 *
 * The race it exists to win, where the two are not one write: another redrive of the same letter,
 * or its purge, that has read the letter before. It writes the message anew when the first one's
 * has been delivered and settled already, and learns that it came too late only by the letter. So a
 * message that is put back is hidden until its letter is gone: whoever could not delete the letter
 * takes the message back before anybody was given it. A process that dies in between leaves the
 * message hidden for a few seconds, and the letter.
 */
import { failure, type LockdApiError } from "../../api/errors.ts";
import { messageKeyOf } from "../../api/message-keys.ts";
import { casAttemptsMax, redriveHideMs } from "../limits.ts";
import type { ApplyResult, Plan } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import { isApplied, type Letter, missingPayload, removalOf } from "./dead-letter.ts";
import { isLeased } from "./fence.ts";
import type { LetterRemoval } from "./letter-removal.ts";
import { isExhausted, type Message, messageName, payloadName } from "./message.ts";
import { encodeMessage } from "./message-codec.ts";
import { keep, put } from "./message-decision.ts";
import type { MessageAt } from "./message-shell.ts";
import type { QueueParts } from "./queue-parts.ts";
import { applyDecision } from "./settle.ts";

/** What was found where a message was to be put back. */
type Found =
  | { readonly kind: "nothing" }
  /** It is back, or was and is settled; `etag`: of the record, if it was written anew here. */
  | { readonly kind: "back"; readonly etag: string | undefined };

export class Redriver {
  readonly #parts: QueueParts;
  readonly #removal: LetterRemoval;

  constructor(parts: QueueParts, removal: LetterRemoval) {
    this.#parts = parts;
    this.#removal = removal;
  }

  /** True when this call put it back, false when another call made something of it. */
  async redrive(letter: Letter): Promise<boolean> {
    const { random, store } = this.#parts.options;
    const { at } = letter;
    if (letter.message.group !== undefined) return this.#redriveInGroup(letter);
    const isOneWrite = store.capabilities.atomicPlan;
    const message = this.#reborn(letter.message, isOneWrite);
    const remove = removalOf(letter);
    const etag = random.xid();
    const bytes = encodeMessage(message, etag);
    const name = messageName(at, at.messageId);
    const plan = [{ kind: "put" as const, name, bytes, when: { kind: "absent" as const } }, remove];
    for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
      const result = await this.#parts.messages.alone(at, () => this.#back(at, message, plan));
      if (result.kind === "applied") {
        if (!isOneWrite) await this.#show(at, etag);
        return true;
      }
      if (result.step > 0) return this.#takeBack(at, etag);
      // A store may say "conflict" although nothing is there: then it is asked again.
      const found = await this.#look(at);
      if (found.kind === "nothing") continue;
      const isFirst = await isApplied(store, [remove]);
      await this.#show(at, found.etag);
      return isFirst;
    }
    throw failure("cas_mismatch", `dead letter ${at.messageId}: other writers won`);
  }

  /** Writes it, and tells the queue before anybody else looks at the message. */
  async #back(
    at: MessageAt,
    message: Message,
    plan: Plan,
  ): Promise<Exclude<ApplyResult, { kind: "unknown" }>> {
    const result = await callStore(() => this.#parts.options.store.apply(plan));
    if (result.kind === "unknown") {
      this.#parts.directory.peek(at)?.doubt();
      throw unknownChange(at);
    }
    if (result.kind === "applied") this.#parts.directory.changed(at, message);
    return result;
  }

  /** Two writes on every store: the chain of the group is one of its own. */
  async #redriveInGroup(letter: Letter): Promise<boolean> {
    const heir = await this.#hangUpAgain(letter, this.#reborn(letter.message, false));
    const isFirst = await this.#removal.remove(letter);
    if (isFirst) await this.#show(heir, undefined);
    // Somebody else did the same, or purged it, at the same time.
    else await this.#parts.links.retract(heir);
    return isFirst;
  }

  /**
   * What became of the message: an earlier call came only so far, or its burial did, and then it is
   * revived where it is. Written anew in either case, so that neither whoever buries it nor whoever
   * takes it back (`#takeBack`) still knows it.
   */
  async #look(at: MessageAt): Promise<Found> {
    const { directory, messages } = this.#parts;
    if (await this.#isCommitted(at)) return { kind: "back", etag: undefined };
    const found = await messages.transact<Found>(at, (current, nowMs) => {
      if (current === undefined) return keep({ kind: "nothing" });
      const { message } = current;
      if (isLeased(message, nowMs)) return keep({ kind: "back", etag: undefined });
      const next = isExhausted(message)
        ? this.#reborn({ ...message, lease: undefined }, false)
        : message;
      return put<Found>(next, (etag) => ({ kind: "back", etag }));
    });
    const queue = directory.peek(at);
    // Whoever put it back may have died before anybody here was told.
    if (found.kind === "back" && queue?.known.has(at.messageId) === false) queue.doubt();
    return found;
  }

  /**
   * True when the lapsed delivery there was committed while it was held: the message is settled,
   * whether or not the commit has reached it, and its letter is left over from an earlier call.
   * That it is gone would not say so; its burial may have gone on.
   */
  async #isCommitted(at: MessageAt): Promise<boolean> {
    const { messages, transactions, options } = this.#parts;
    const stored = await messages.look(at);
    const lease = stored?.message.lease;
    const nowMs = options.clock.wallMs();
    if (stored === undefined || lease?.explicit !== true || isLeased(stored.message, nowMs)) {
      return false;
    }
    const decided = await transactions.finishLapsed(lease.txnId);
    if (decided?.state !== "commit") return false;
    const key = messageKeyOf(at);
    const takesPart = decided.participants.some(
      (one) => one.namespace === at.namespace && one.key === key,
    );
    const { txnId, decidedAtMs, sends } = decided;
    const commit = { ...at, txnId, outcome: "commit" as const, decidedAtMs, sends };
    return takesPart && applyDecision(stored, commit, nowMs).decision.kind === "delete";
  }

  /** Lets consumers have what waited for its letter to go, if it still is as it was written. */
  async #show(at: MessageAt, etag: string | undefined): Promise<void> {
    const { messages, options } = this.#parts;
    const isHidden = ({ attempts, lease }: Message): boolean =>
      attempts === 0 && lease === undefined;
    try {
      await messages.transact<undefined>(at, (current, nowMs) => {
        if (current === undefined || (etag !== undefined && current.etag !== etag)) {
          return keep(undefined);
        }
        const { message } = current;
        if (!isHidden(message) || message.notVisibleUntilMs <= nowMs) return keep(undefined);
        return put<undefined>({ ...message, notVisibleUntilMs: nowMs }, () => undefined);
      });
    } catch (error) {
      // It is back; that it is hidden ends by itself.
      const fields = { message_id: at.messageId, error: String(error) };
      options.telemetry.debug("queue.core", "queue.redrive.hidden", fields);
    }
  }

  /**
   * The letter was gone by the time the message was back, on a store without atomic plans: somebody
   * purged it, or redrove it before. The message goes again, unless it is in somebody's hands.
   */
  async #takeBack(at: MessageAt, etag: string): Promise<boolean> {
    await this.#parts.messages.transact<undefined>(at, (current) =>
      current?.etag === etag
        ? { kind: "delete", gone: current.message, answer: undefined }
        : keep(undefined),
    );
    return false;
  }

  /** At the end of its group's line, under a new id: others may stand behind the old one. */
  async #hangUpAgain(letter: Letter, message: Message): Promise<MessageAt> {
    const { store } = this.#parts.options;
    const at = { ...letter.at, messageId: this.#parts.ids.next() };
    const { place } = message.payload;
    let payload = message.payload;
    if (place.kind === "object") {
      // A payload is found by the id of its message, so it moves along.
      const name = payloadName(at, at.messageId);
      const opened = await callStore(() => store.getStream(place.name));
      if (opened === undefined) throw missingPayload(letter.at);
      const { body } = opened;
      await callStore(() => store.putStream(name, body.lent?.() ?? body));
      payload = { ...payload, place: { kind: "object", name } };
    }
    const next: Message = { ...message, payload, stateEtag: undefined };
    const enqueued = await this.#parts.links.enqueue(at, next);
    if (enqueued.kind === "new") this.#parts.directory.changed(at, enqueued.message);
    return at;
  }

  /**
   * Fresh counters and no deadline; the token goes on counting, so no old holder is ever right.
   * Where its letter is deleted by another write it is hidden until that is done.
   */
  #reborn(message: Message, isOneWrite: boolean): Message {
    const nowMs = this.#parts.options.clock.wallMs();
    return {
      ...message,
      attempts: 0,
      failureAttempts: 0,
      lastError: undefined,
      notVisibleUntilMs: isOneWrite ? nowMs : nowMs + redriveHideMs,
      expiresAtMs: undefined,
      previous: undefined,
      dedupe: undefined,
      diedAtMs: undefined,
    };
  }
}

function unknownChange(at: MessageAt): LockdApiError {
  const detail = `dead letter ${at.messageId}: the outcome of a write could not be found out`;
  return failure("store_unavailable", detail, { outcomeUnknown: true });
}
