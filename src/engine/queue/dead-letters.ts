/**
 * Dead letters: listed, read, put back into the queue, or deleted for good. A dead letter is the
 * message's last record under another name; its payload object and its state stay where they are.
 */
import { failure } from "../../api/errors.ts";
import type {
  DeadLetter,
  DeadLetterChange,
  DeadLetterContent,
  DeadLetterList,
  DeadLetterListRequest,
  DeadLetterSelection,
  QueueAddress,
} from "../../api/queues.ts";
import { casAttemptsMax } from "../limits.ts";
import {
  type ApplyResult,
  listLimitMax,
  type NamedObject,
  type Plan,
  type Step,
  type VersionTag,
} from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import { checkMessageId, checkQueue } from "./checked-queue.ts";
import { isLeased } from "./fence.ts";
import {
  deadLettersOf,
  isExhausted,
  type Message,
  messageName,
  payloadName,
  payloadObjects,
  type QueueId,
} from "./message.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import { keep, put } from "./message-decision.ts";
import type { MessageAt } from "./message-shell.ts";
import type { QueueParts } from "./queue-parts.ts";
import { rowLimit } from "./row-limit.ts";

interface Letter {
  readonly at: MessageAt;
  readonly name: string;
  readonly tag: VersionTag;
  readonly message: Message;
}

export class DeadLetters {
  readonly #parts: QueueParts;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  async list(request: DeadLetterListRequest): Promise<DeadLetterList> {
    const target = checkQueue(request, this.#parts.options.defaultNamespace);
    const limit = rowLimit(request.limit);
    const { letters, more } = await this.#page(target, { limit, after: request.cursor });
    return {
      letters: letters.map(describeLetter),
      cursor: more ? letters.at(-1)?.at.messageId : undefined,
    };
  }

  async show(
    request: QueueAddress & { readonly messageId?: string | undefined },
  ): Promise<DeadLetterContent> {
    const target = checkQueue(request, this.#parts.options.defaultNamespace);
    const letter = await this.#read(target, request.messageId);
    const { place } = letter.message.payload;
    if (place.kind === "inline") return { letter: describeLetter(letter), payload: place.bytes };
    const opened = await callStore(() => this.#parts.options.store.getStream(place.name));
    if (opened === undefined) throw missingPayload(letter.at);
    return { letter: describeLetter(letter), payload: opened.body };
  }

  redrive(request: DeadLetterSelection): Promise<DeadLetterChange> {
    return this.#change(request, (letter) => this.#redriveOne(letter));
  }

  purge(request: DeadLetterSelection): Promise<DeadLetterChange> {
    return this.#change(request, (letter) => this.#removeWhole(letter));
  }

  async #change(
    request: DeadLetterSelection,
    one: (letter: Letter) => Promise<boolean>,
  ): Promise<DeadLetterChange> {
    const target = checkQueue(request, this.#parts.options.defaultNamespace);
    if (request.all !== true) {
      const letter = await this.#read(target, request.messageId);
      return { changed: (await one(letter)) ? 1 : 0, more: false };
    }
    const limit = rowLimit(request.limit ?? listLimitMax);
    const after = request.cursor === "" ? undefined : request.cursor;
    const { letters, more } = await this.#page(target, { limit, after });
    const done = await Promise.all(letters.map(one));
    const cursor = more ? letters.at(-1)?.at.messageId : undefined;
    return { changed: done.filter((changed) => changed).length, more, cursor };
  }

  /** Put back first, then deleted: a crash between the two can only repeat it. */
  async #redriveOne(letter: Letter): Promise<boolean> {
    const { random, clock } = this.#parts.options;
    const { at } = letter;
    const message = reborn(letter.message, clock.wallMs());
    if (message.group !== undefined) return this.#redriveInGroup(letter, message);
    const remove = removalOf(letter);
    const etag = random.xid();
    const bytes = encodeMessage(message, etag);
    const name = messageName(at, at.messageId);
    const plan = [{ kind: "put" as const, name, bytes, when: { kind: "absent" as const } }, remove];
    for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
      const result = await this.#parts.messages.bringBack(at, () => this.#back(at, message, plan));
      if (result.kind === "applied") return true;
      if (result.step > 0) return this.#takeBack(at, etag);
      // A store may say "conflict" although nothing is there: then it is asked again.
      if (await this.#isBack(at)) return this.#apply([remove]);
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

  async #redriveInGroup(letter: Letter, message: Message): Promise<boolean> {
    const heir = await this.#hangUpAgain(letter, message);
    const isFirst = await this.#removeWhole(letter);
    // Somebody else did the same, or purged it, at the same time.
    if (!isFirst) await this.#parts.links.retract(heir);
    return isFirst;
  }

  /**
   * True when the message is in its queue again: an earlier call came only so far, or its burial
   * did, and then it is revived where it is. Written anew in either case, so that neither whoever
   * buries it nor whoever takes it back (`#takeBack`) still knows it.
   */
  async #isBack(at: MessageAt): Promise<boolean> {
    const { directory, messages } = this.#parts;
    const isThere = await messages.transact<boolean>(at, (current, nowMs) => {
      if (current === undefined) return keep(false);
      const { message } = current;
      if (isLeased(message, nowMs)) return keep(true);
      const isDead = isExhausted(message);
      return put(isDead ? reborn({ ...message, lease: undefined }, nowMs) : message, () => true);
    });
    const queue = directory.peek(at);
    // Whoever put it back may have died before anybody here was told.
    if (isThere && queue?.known.has(at.messageId) === false) queue.doubt();
    return isThere;
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

  /** Deletes a dead letter with its payload and state. */
  async #removeWhole(letter: Letter): Promise<boolean> {
    const { at, message } = letter;
    if (!(await this.#apply([removalOf(letter)]))) return false;
    // Redriven at the same time, on a store without atomic plans: they belong to the message.
    if ((await this.#parts.messages.look(at)) !== undefined) return true;
    this.#parts.garbage.discard(payloadObjects(message));
    if (message.stateEtag !== undefined) await this.#parts.states.erase(at).catch(() => undefined);
    return true;
  }

  /** True when applied; false when somebody else was faster. */
  async #apply(plan: Plan): Promise<boolean> {
    const result = await callStore(() => this.#parts.options.store.apply(plan));
    if (result.kind === "unknown") {
      throw failure("store_unavailable", "the outcome of a write could not be found out", {
        outcomeUnknown: true,
        cause: result.cause,
      });
    }
    return result.kind === "applied";
  }

  async #read(target: QueueId, messageId: string | undefined): Promise<Letter> {
    const text = messageId?.trim() ?? "";
    if (text === "") throw failure("missing_fields", "missing: message_id");
    const id = checkMessageId(text);
    const name = `${deadLettersOf(target)}${id}`;
    const stored = await callStore(() => this.#parts.options.store.get(name));
    if (stored === undefined) {
      const detail = `${target.namespace}/${target.queue} has no dead letter ${id}`;
      throw failure("message_not_found", detail);
    }
    return letterOf(target, { name, ...stored });
  }

  async #page(
    target: QueueId,
    { limit, after }: { readonly limit: number; readonly after: string | undefined },
  ): Promise<{ readonly letters: readonly Letter[]; readonly more: boolean }> {
    const prefix = deadLettersOf(target);
    const options = after === undefined ? { limit } : { limit, after: `${prefix}${after}` };
    const page = await callStore(() => this.#parts.options.store.scan(prefix, options));
    return { letters: page.objects.map((object) => letterOf(target, object)), more: page.more };
  }
}

function letterOf(target: QueueId, { name, bytes, tag }: NamedObject): Letter {
  const messageId = name.slice(deadLettersOf(target).length);
  const { message } = decodeMessage(name, bytes);
  return { at: { ...target, messageId }, name, tag, message };
}

function removalOf({ name, tag }: Letter): Step {
  return { kind: "delete", name, when: { kind: "tag", tag } };
}

function describeLetter({ at, message }: Letter): DeadLetter {
  return {
    messageId: at.messageId,
    attempts: message.attempts,
    failureAttempts: message.failureAttempts,
    maxAttempts: message.maxAttempts,
    enqueuedAtUnix: Math.floor(message.enqueuedAtMs / 1000),
    diedAtUnix: Math.floor((message.diedAtMs ?? 0) / 1000),
    attributes: message.attributes ?? {},
    payloadContentType: message.payload.contentType,
    payloadBytes: message.payload.size,
    correlationId: message.correlationId,
    lastError: message.lastError,
  };
}

/** Fresh counters and no deadline; the token goes on counting, so no old holder is ever right. */
function reborn(message: Message, nowMs: number): Message {
  return {
    ...message,
    attempts: 0,
    failureAttempts: 0,
    lastError: undefined,
    notVisibleUntilMs: nowMs,
    expiresAtMs: undefined,
    previous: undefined,
    dedupe: undefined,
    diedAtMs: undefined,
  };
}

function missingPayload({ messageId }: MessageAt): Error {
  return failure("store_corrupt", `the payload of dead letter ${messageId} is gone`);
}

function unknownChange(at: MessageAt): Error {
  const detail = `dead letter ${at.messageId}: the outcome of a write could not be found out`;
  return failure("store_unavailable", detail, { outcomeUnknown: true });
}
