/** Dead letters: listed, read, put back into the queue, or deleted for good. */
import { failure } from "../../api/errors.ts";
import type {
  DamagedLetter,
  DeadLetterChange,
  DeadLetterContent,
  DeadLetterList,
  DeadLetterListRequest,
  DeadLetterSelection,
  QueueAddress,
} from "../../api/queues.ts";
import { listLimitMax } from "../ports/store.ts";
import { callStore, unlessDamaged } from "../store-failure.ts";
import { checkMessageId, checkQueue } from "./checked-queue.ts";
import {
  describeLetter,
  type Letter,
  letterIdOf,
  letterOf,
  missingPayload,
} from "./dead-letter.ts";
import { LetterRemoval } from "./letter-removal.ts";
import { deadLetterName, deadLettersOf, type QueueId } from "./message.ts";
import type { QueueParts } from "./queue-parts.ts";
import { Redriver } from "./redrive.ts";
import { rowLimit } from "./row-limit.ts";

/** Some letters of a queue, oldest first. */
interface LetterPage {
  readonly letters: readonly Letter[];
  /** In their place among the others, and counted with them. */
  readonly damaged: readonly DamagedLetter[];
  /** What the next page begins after; undefined at the end. */
  readonly cursor: string | undefined;
}

export class DeadLetters {
  readonly #parts: QueueParts;
  readonly #removal: LetterRemoval;
  readonly #redriver: Redriver;

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#removal = new LetterRemoval(parts);
    this.#redriver = new Redriver(parts, this.#removal);
  }

  async list(request: DeadLetterListRequest): Promise<DeadLetterList> {
    const target = checkQueue(request, this.#parts.options.defaultNamespace);
    const limit = rowLimit(request.limit);
    const { letters, damaged, cursor } = await this.#page(target, limit, request.cursor);
    return { letters: letters.map(describeLetter), damaged, cursor };
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
    return this.#change(request, (letter) => this.#redriver.redrive(letter));
  }

  purge(request: DeadLetterSelection): Promise<DeadLetterChange> {
    return this.#change(request, (letter) => this.#removal.remove(letter));
  }

  /** Of all letters those that cannot be read are left as they are, and named. */
  async #change(
    request: DeadLetterSelection,
    one: (letter: Letter) => Promise<boolean>,
  ): Promise<DeadLetterChange> {
    const target = checkQueue(request, this.#parts.options.defaultNamespace);
    if (request.all !== true) {
      const letter = await this.#read(target, request.messageId);
      return { changed: (await one(letter)) ? 1 : 0, damaged: [], more: false };
    }
    const limit = rowLimit(request.limit ?? listLimitMax);
    const { letters, damaged, cursor } = await this.#page(target, limit, request.cursor);
    const done = await Promise.all(letters.map(one));
    const changed = done.filter((isChanged) => isChanged).length;
    return { changed, damaged, more: cursor !== undefined, cursor };
  }

  async #read(target: QueueId, messageId: string | undefined): Promise<Letter> {
    const text = messageId?.trim() ?? "";
    if (text === "") throw failure("missing_fields", "missing: message_id");
    const id = checkMessageId(text);
    const name = deadLetterName(target, id);
    return callStore(async () => {
      const stored = await this.#parts.options.store.get(name);
      if (stored !== undefined) return letterOf(target, { name, ...stored });
      const detail = `${target.namespace}/${target.queue} has no dead letter ${id}`;
      throw failure("message_not_found", detail);
    });
  }

  async #page(target: QueueId, limit: number, cursor: string | undefined): Promise<LetterPage> {
    const prefix = deadLettersOf(target);
    // After the prefix itself is after nothing.
    const after = `${prefix}${cursor ?? ""}`;
    const page = await callStore(() => this.#parts.options.store.scan(prefix, { limit, after }));
    const letters: Letter[] = [];
    const damaged: DamagedLetter[] = [];
    for (const object of page.objects) {
      const read = unlessDamaged(() => letterOf(target, object));
      if ("value" in read) letters.push(read.value);
      else damaged.push({ messageId: letterIdOf(target, object.name), detail: read.damage });
    }
    const last = page.objects.at(-1);
    const isLast = !page.more || last === undefined;
    return { letters, damaged, cursor: isLast ? undefined : letterIdOf(target, last.name) };
  }
}
