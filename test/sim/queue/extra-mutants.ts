/** Seeded bugs of what only newer seeds do: time to live, limits, states, streams, dead letters. */
import type {
  ApplyResult,
  ObjectPage,
  PageOptions,
  Plan,
  Store,
} from "../../../src/engine/ports/store.ts";
import { Dequeuer } from "../../../src/engine/queue/dequeuer.ts";
import { Enqueuer } from "../../../src/engine/queue/enqueuer.ts";
import {
  deadLetterPrefix,
  isOutlived,
  messagePrefix,
  type StoredMessage,
} from "../../../src/engine/queue/message.ts";
import { decodeMessage, encodeMessage } from "../../../src/engine/queue/message-codec.ts";
import { MessageShell } from "../../../src/engine/queue/message-shell.ts";
import { MessageStates } from "../../../src/engine/queue/message-states.ts";
import { ReadySet } from "../../../src/engine/queue/ready-set.ts";
import { ForwardingStore } from "../../../src/storage/decorators/forwarding-store.ts";
import type { Mutant } from "../mutant.ts";
import { replaced } from "../replaced.ts";

/** Plans that put a message back from the dead letters are carried out in another way. */
class OtherRedrive extends ForwardingStore {
  readonly #store: Store;
  readonly #redrive: (store: Store, plan: Plan) => Promise<ApplyResult>;

  constructor(store: Store, redrive: (store: Store, plan: Plan) => Promise<ApplyResult>) {
    super(store);
    this.#store = store;
    this.#redrive = redrive;
  }

  override apply(plan: Plan): Promise<ApplyResult> {
    const [back, letter] = plan;
    const isRedrive =
      back?.name.startsWith(messagePrefix) === true &&
      letter?.name.startsWith(deadLetterPrefix) === true;
    return isRedrive ? this.#redrive(this.#store, plan) : this.#store.apply(plan);
  }
}

/** Whoever asks for the dead letters of a queue is shown its messages as well. */
class LettersAndMessages extends ForwardingStore {
  readonly #store: Store;

  constructor(store: Store) {
    super(store);
    this.#store = store;
  }

  override async scan(prefix: string, options: PageOptions): Promise<ObjectPage> {
    const page = await this.#store.scan(prefix, options);
    if (!prefix.startsWith(deadLetterPrefix)) return page;
    const of = `${messagePrefix}${prefix.slice(deadLetterPrefix.length)}`;
    const messages = await this.#store.scan(of, { limit: options.limit });
    return { objects: [...page.objects, ...messages.objects], more: page.more };
  }
}

function enqueueing(change: { ttl?: number; deliveries?: number }): () => () => void {
  return () =>
    replaced(
      Enqueuer.prototype,
      "enqueue",
      (original) =>
        function (this: Enqueuer, request, payload, call) {
          const { ttlSeconds, maxDeliveries } = request;
          const given = {
            ...request,
            ...(ttlSeconds === undefined ? {} : { ttlSeconds: ttlSeconds + (change.ttl ?? 0) }),
            ...(maxDeliveries === undefined
              ? {}
              : { maxDeliveries: maxDeliveries + (change.deliveries ?? 0) }),
          };
          return original.call(this, given, payload, call);
        },
    );
}

type Transact<Answer> = Parameters<typeof MessageShell.prototype.transact<Answer>>;

function unheld(current: StoredMessage | undefined, nowMs: number): StoredMessage | undefined {
  if (current === undefined || !isOutlived(current.message, nowMs)) return current;
  return { ...current, message: { ...current.message, lease: undefined } };
}

export const extraMutants: readonly Mutant[] = [
  {
    name: "lives too long",
    bug: "a time to live is rounded up to the next tick of three seconds",
    install: enqueueing({ ttl: 3 }),
  },
  {
    name: "outlived in its consumer's hands",
    bug: "what is outlived is nobody's any more, although its lease still runs",
    install: () =>
      replaced(
        MessageShell.prototype,
        "transact",
        (original) =>
          function <Answer>(this: MessageShell, ...given: Transact<Answer>): Promise<Answer> {
            const [at, decide, afterwards] = given;
            const transact = original.bind(this) as (...as: Transact<Answer>) => Promise<Answer>;
            return transact(
              at,
              (current, nowMs) => decide(unheld(current, nowMs), nowMs),
              afterwards,
            );
          },
      ),
  },
  {
    name: "one delivery too many",
    bug: "the limit of deliveries is compared with the wrong sign",
    install: enqueueing({ deliveries: 1 }),
  },
  {
    name: "one delivery too few",
    bug: "the limit of deliveries counts the enqueue as one",
    install: enqueueing({ deliveries: -1 }),
  },
  {
    name: "priority is forgotten",
    bug: "what is ready is ordered by its time alone",
    install: () =>
      replaced(
        ReadySet.prototype,
        "set",
        (original) =>
          function (this: ReadySet, id, facts, when) {
            original.call(this, id, { ...facts, priority: 0 }, when);
          },
      ),
  },
  {
    name: "a window that is too wide",
    bug: "a stream takes one more than its window has room for",
    install: () =>
      replaced(
        Dequeuer.prototype,
        "takeSome",
        (original) =>
          function (this: Dequeuer, queue, request, { count, ...patience }) {
            return original.call(this, queue, request, { ...patience, count: count + 1 });
          },
      ),
  },
  {
    name: "nothing is given back",
    bug: "what a closed stream had leased ahead waits for its leases to end",
    install: () => replaced(Dequeuer.prototype, "giveBack", () => async () => undefined),
  },
  {
    name: "state lost with a nack",
    bug: "a nack discards what was staged, as an ack does",
    install: () =>
      replaced(
        MessageStates.prototype,
        "end",
        (original) =>
          function (this: MessageStates, at, claim) {
            return original.call(this, at, claim, "discard");
          },
      ),
  },
  {
    name: "state kept after the ack",
    bug: "the state of a message that is gone is not erased",
    install: () => replaced(MessageStates.prototype, "erase", () => async () => undefined),
  },
  {
    name: "letter deleted before the message is back",
    bug: "a redrive deletes the dead letter first and puts the message back afterwards",
    store: (store) =>
      new OtherRedrive(store, async (inner, [back, letter]) => {
        if (back === undefined || letter === undefined) return inner.apply([]);
        const removed = await inner.apply([letter]);
        return removed.kind === "applied" ? inner.apply([back]) : removed;
      }),
  },
  {
    name: "redriven with its old failures",
    bug: "a redriven message keeps its counters and is buried again at once",
    store: (store) =>
      new OtherRedrive(store, (inner, [back, ...rest]) => {
        if (back?.kind !== "put") return inner.apply(rest);
        const { message, etag } = decodeMessage(back.name, back.bytes);
        const dead = { ...message, failureAttempts: message.maxAttempts };
        return inner.apply([{ ...back, bytes: encodeMessage(dead, etag) }, ...rest]);
      }),
  },
  {
    name: "conflict taken for there already",
    bug: "a redrive believes a conflict of the store, and deletes the letter of what is nowhere",
    store: (store) =>
      new OtherRedrive(store, async (inner, plan) => {
        const result = await inner.apply(plan);
        if (result.kind !== "conflict" || result.step !== 0) return result;
        return inner.apply(plan.slice(1));
      }),
  },
  {
    name: "purge takes the living",
    bug: "the dead letters of a queue are looked for where its messages are, too",
    store: (store) => new LettersAndMessages(store),
  },
];
