/**
 * The shell around the pure transitions of messages: reads a record, decides, writes with
 * compare-and-swap, and finds out what became of writes of unknown outcome.
 *
 * The races it exists to win are those of `record-shell.ts`, and one more: a message can be
 * deleted. A holder's delete of unknown outcome counts as done when the record is gone while its
 * lease still runs: nobody else could have deleted it. Later somebody else may have had it.
 */
import assert from "node:assert";
import { failure, type LockdError } from "../../api/errors.ts";
import {
  cachedMessagesMax,
  casAttemptsMax,
  unknownOutcomeReadDelayMs,
  unknownOutcomeReadsMax,
} from "../limits.ts";
import type { MessageStep } from "../observe/message-changes.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { VersionTag } from "../ports/store.ts";
import { type Plan, type Precondition, type Store, StoreFailure } from "../ports/store.ts";
import { type RecordCell, RecordCells } from "../record/record-cells.ts";
import { engineErrorOf } from "../store-failure.ts";
import { isLeased } from "./fence.ts";
import {
  deadLetterName,
  type Message,
  messageName,
  type QueueId,
  type StoredMessage,
} from "./message.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import type { MessageDecision, MessageTransition } from "./message-decision.ts";

export interface MessageAt extends QueueId {
  readonly messageId: string;
}

/** What the shell tells its owner after a write became durable. */
export interface MessageObserver {
  /** The message is now `after`; undefined when it is gone. */
  changed(at: MessageAt, after: Message | undefined): void;
  /** The same change as a step of the message's life. */
  stepped(at: MessageAt, step: MessageStep): void;
  /** Deleted for good: its payload, state and the like are garbage now. */
  deleted(at: MessageAt, gone: Message): void;
}

interface OpenAttempt<Answer> {
  readonly etag: string;
  readonly decision: MessageDecision<Answer>;
  readonly base: VersionTag | undefined;
  readonly before: Message | undefined;
  readonly decidedMs: number;
}

type Written = "applied" | "conflict" | "unknown";

export class MessageShell {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #observer: MessageObserver;
  readonly #cells = new RecordCells<StoredMessage>({ max: cachedMessagesMax, keepsAbsent: false });

  constructor(
    ports: { readonly store: Store; readonly clock: Clock; readonly random: Random },
    observer: MessageObserver,
  ) {
    this.#store = ports.store;
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#observer = observer;
  }

  /** Remembers a record that was just created, so that its delivery need not read it. */
  created(at: MessageAt, stored: StoredMessage, tag: VersionTag): void {
    if (!this.#store.capabilities.exclusive) return;
    const cell = this.#cells.get(messageName(at, at.messageId));
    // Somebody may have been faster: what is known already is newer.
    if (!cell.busy && !cell.loaded) cell.set(stored, tag);
  }

  /** The record as it is in the store now, past every cache. */
  async look(at: MessageAt): Promise<StoredMessage | undefined> {
    return (await this.#load(messageName(at, at.messageId))).stored;
  }

  /**
   * Runs `decide` on the current record and makes its decision durable. The answer is returned only
   * then. `afterwards` runs while the message is still this call's: nobody in this process sees it
   * between the write and the end of what belongs to the write.
   * @throws what the decision refuses with, cas_mismatch, store errors
   */
  async transact<Answer>(
    at: MessageAt,
    decide: MessageTransition<Answer>,
    afterwards?: (answer: Answer) => Promise<void>,
  ): Promise<Answer> {
    const cell = this.#cells.get(messageName(at, at.messageId));
    if (cell.busy) await cell.turn();
    else cell.busy = true;
    try {
      const answer = await this.#decideAndWrite({ cell, at, open: [] }, decide);
      if (afterwards !== undefined) await afterwards(answer);
      return answer;
    } finally {
      this.#cells.leave(cell, this.#store.capabilities.exclusive);
    }
  }

  /**
   * Runs what brings a message back that was gone, or finds out whether it is. Nobody in this
   * process looks at it meanwhile, so nobody who has found nothing is still to say so afterwards;
   * and what was remembered of it is forgotten.
   */
  async alone<Answer>(at: MessageAt, work: () => Promise<Answer>): Promise<Answer> {
    const cell = this.#cells.get(messageName(at, at.messageId));
    if (cell.busy) await cell.turn();
    else cell.busy = true;
    try {
      return await work();
    } finally {
      cell.loaded = false;
      this.#cells.leave(cell, this.#store.capabilities.exclusive);
    }
  }

  async #decideAndWrite<Answer>(
    run: Run<Answer>,
    decide: MessageTransition<Answer>,
  ): Promise<Answer> {
    const { cell, open } = run;
    try {
      for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
        const done = await this.#attempt(run, decide);
        if (done !== undefined) return done.value;
      }
    } catch (error) {
      // A refusal, or a failure of this attempt, says nothing about an earlier one that may count.
      throw open.length > 0 ? this.#unknownOutcome(cell.name, error) : error;
    }
    if (open.length > 0) throw this.#unknownOutcome(cell.name, undefined);
    const detail = `${cell.name}: other writers won ${casAttemptsMax} times in a row`;
    throw failure("cas_mismatch", detail);
  }

  /** The answer, or undefined when it has to be decided again. */
  async #attempt<Answer>(
    run: Run<Answer>,
    decide: MessageTransition<Answer>,
  ): Promise<{ readonly value: Answer } | undefined> {
    const { cell, open } = run;
    if (!cell.loaded) {
      const { stored, tag } = await this.#load(cell.name);
      cell.set(stored, tag);
      const nowMs = this.#clock.wallMs();
      const landed = open.find((attempt) => isTrace(attempt, stored, nowMs));
      if (landed !== undefined) return { value: this.#done(run, landed) };
    }
    const decidedMs = this.#clock.wallMs();
    const decision = decide(cell.record, decidedMs);
    if (decision.kind === "refuse") throw decision.error;
    if (decision.kind === "keep") return { value: decision.answer };
    const etag = this.#random.xid();
    const before = cell.record?.message;
    const attempt: OpenAttempt<Answer> = { etag, decision, base: cell.tag, before, decidedMs };
    const written = await this.#write(run, attempt);
    if (written === "applied") return { value: this.#done(run, attempt) };
    if (written === "unknown") open.push(attempt);
    return undefined;
  }

  /** One conditional plan; forgets the cached record unless it succeeded. */
  async #write<Answer>(run: Run<Answer>, attempt: OpenAttempt<Answer>): Promise<Written> {
    const { cell } = run;
    // A failure here says that certainly nothing happened: what is cached stays right.
    const result = await this.#store.apply(this.#planOf(run, attempt)).catch(throwEngineError);
    cell.loaded = false;
    if (result.kind !== "applied") return result.kind;
    const { decision, etag } = attempt;
    if (decision.kind !== "put") cell.set(undefined, undefined);
    else {
      const tag = result.tags[0];
      assert(tag !== undefined, "an applied put has a tag");
      cell.set({ message: decision.next, etag }, tag);
    }
    return "applied";
  }

  #planOf<Answer>({ cell, at }: Run<Answer>, { decision, etag, base }: OpenAttempt<Answer>): Plan {
    assert(base !== undefined, `${cell.name}: only an existing message changes`);
    const when: Precondition = { kind: "tag", tag: base };
    const { name } = cell;
    if (decision.kind === "put") {
      const own = { kind: "put" as const, name, bytes: encodeMessage(decision.next, etag), when };
      return decision.also === undefined ? [own] : [own, ...decision.also];
    }
    const remove = { kind: "delete" as const, name, when };
    if (decision.kind !== "bury") return [remove];
    // The letter first: a crash between the two is finished by the next look at the message.
    const letter = {
      kind: "put" as const,
      name: deadLetterName(at, at.messageId),
      bytes: encodeMessage(decision.letter, etag),
      when: { kind: "any" as const },
    };
    return [letter, remove];
  }

  #done<Answer>({ at, open }: Run<Answer>, attempt: OpenAttempt<Answer>): Answer {
    // Whatever else is open was based on a version that is history now: it cannot land any more.
    open.length = 0;
    const { decision, etag, before } = attempt;
    if (decision.kind === "put") {
      this.#observer.changed(at, decision.next);
      if (before !== undefined) {
        this.#observer.stepped(at, { kind: "put", before, after: decision.next });
      }
      return decision.answer(etag);
    }
    this.#observer.changed(at, undefined);
    assert(decision.kind === "delete" || decision.kind === "bury", "only a write is ever open");
    if (before !== undefined) {
      this.#observer.stepped(at, { kind: decision.kind, before, after: undefined });
    }
    if (decision.kind === "delete") this.#observer.deleted(at, decision.gone);
    return decision.answer;
  }

  async #load(name: string): Promise<Loaded> {
    for (let read = 0; ; read += 1) {
      try {
        const object = await this.#store.get(name);
        if (object === undefined) return { stored: undefined, tag: undefined };
        return { stored: decodeMessage(name, object.bytes), tag: object.tag };
      } catch (error) {
        const transient = error instanceof StoreFailure && error.kind === "unavailable";
        if (!transient || read + 1 >= unknownOutcomeReadsMax) throw engineErrorOf(error);
        await this.#pause(unknownOutcomeReadDelayMs * 2 ** read);
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.schedule(delayMs, resolve);
    });
  }

  #unknownOutcome(name: string, cause: unknown): LockdError {
    const detail = `${name}: the outcome of a write could not be found out`;
    return failure("store_unavailable", detail, { outcomeUnknown: true, cause });
  }
}

interface Run<Answer> {
  readonly cell: RecordCell<StoredMessage>;
  readonly at: MessageAt;
  /** Writes that may have landed, or may still land. */
  readonly open: OpenAttempt<Answer>[];
}

interface Loaded {
  readonly stored: StoredMessage | undefined;
  readonly tag: VersionTag | undefined;
}

/** True when what is stored shows that the attempt took effect. */
function isTrace<Answer>(
  { decision, etag, decidedMs }: OpenAttempt<Answer>,
  stored: StoredMessage | undefined,
  nowMs: number,
): boolean {
  if (decision.kind === "put") return stored?.etag === etag;
  if (stored !== undefined) return false;
  const wasHolder = decision.kind === "delete" && isLeased(decision.gone, decidedMs);
  return !wasHolder || isLeased(decision.gone, nowMs);
}

function throwEngineError(error: unknown): never {
  throw engineErrorOf(error);
}
