/** The shell around `worker-step.ts`: takes messages, runs their commands, minds the signals. */
import { AssertionError } from "node:assert";
import { LockdApiError, LockdError } from "../../api/errors.ts";
import type { DequeueRequest, Queues } from "../../api/queues.ts";
import { isEmptyQueue } from "../queue/empty-queue.ts";
import { isPassing } from "../queue/reconnect.ts";
import { giveBack } from "../queue/take-message.ts";
import { abortLater } from "../run/abort-later.ts";
import { HeldMessage, isMessageLost, type MessageParts } from "./held-message.ts";
import { MessageTransaction, type TransactionParts } from "./message-transaction.ts";
import { MessageWork, type MessageWorkParts } from "./work-on-message.ts";
import {
  startWorking,
  type WorkEnding,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerState,
  type WorkPlan,
  workerStep,
} from "./worker-step.ts";

export interface WorkerParts extends MessageWorkParts, MessageParts, TransactionParts {
  readonly queues: Queues;
  /** Each message in a transaction of its own. */
  readonly inTransaction: boolean;
  readonly take: DequeueRequest;
  readonly plan: WorkPlan;
}

/** A message in our hands, and the transaction that it was taken in. */
interface Taken {
  readonly held: HeldMessage;
  readonly transaction: MessageTransaction | undefined;
}

/** How it came to an end. */
export interface WorkerEnd {
  readonly ending: WorkEnding;
  /** Commands had to be stopped. */
  readonly forced: boolean;
}

export class Worker {
  readonly #parts: WorkerParts;
  readonly #works = new Set<MessageWork>();
  readonly #over = Promise.withResolvers<WorkerEnd>();
  /** Ends the request for a message that is under way. */
  #calledOff = new AbortController();
  #state: WorkerState;
  #timer: NodeJS.Timeout | undefined;
  /** What no message would be spared. */
  #failure: { readonly error: unknown } | undefined;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#state = startWorking(parts.plan, parts.clock.nowMs());
  }

  /** Resolves when nothing is in its hands any more. @throws what no message would be spared */
  run(): Promise<WorkerEnd> {
    this.#step({ kind: "tick" });
    return this.#over.promise;
  }

  /** Takes nothing more; a second time: kills what still runs. */
  end(): void {
    this.#step({ kind: "signal" });
  }

  #step(event: WorkerEvent): void {
    const { clock } = this.#parts;
    const { state, effects, wakeAt, over } = workerStep(this.#state, event, clock.nowMs());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    clearTimeout(this.#timer);
    const { ending, forced } = state;
    if (over && ending !== undefined) this.#finish({ ending, forced });
    else if (wakeAt < Infinity) {
      const waitMs = Math.max(0, wakeAt - clock.nowMs());
      this.#timer = setTimeout(() => this.#step({ kind: "tick" }), waitMs);
    }
  }

  #finish(end: WorkerEnd): void {
    if (this.#failure === undefined) this.#over.resolve(end);
    else this.#over.reject(this.#failure.error);
  }

  #perform(effect: WorkerEffect): void {
    switch (effect.kind) {
      case "take":
        this.#take(effect.waitSeconds).catch((error: unknown) => this.#broken(error));
        return;
      case "call_off":
        this.#calledOff.abort(new Error("told to end"));
        return;
      case "say":
        this.#parts.say(effect.text);
        return;
      case "stop_commands":
        for (const work of this.#works) work.stop();
        return;
      default:
        effect.kind satisfies "kill_commands";
        for (const work of this.#works) work.kill();
    }
  }

  /** Asks for one message and starts work on it. */
  async #take(waitSeconds: number): Promise<void> {
    this.#calledOff = new AbortController();
    const { signal } = this.#calledOff;
    let taken: Taken | undefined;
    try {
      taken = await this.#taken(waitSeconds, signal);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      if (signal.aborted || isEmptyQueue(error) || isMessageLost(error)) {
        this.#step({ kind: "nothing" });
      } else if (isPassing(error)) {
        const pauseMsMin = error instanceof LockdApiError ? (error.retryAfterMs ?? 0) : 0;
        const text = error instanceof Error ? error.message : String(error);
        this.#step({ kind: "take_failed", text, pauseMsMin });
      } else throw error;
      return;
    }
    if (taken === undefined) this.#step({ kind: "nothing" });
    else this.#start(taken);
  }

  async #taken(waitSeconds: number, signal: AbortSignal): Promise<Taken | undefined> {
    if (!this.#parts.inTransaction) {
      const held = await this.#heldIn(undefined, waitSeconds, signal);
      return held === undefined ? undefined : { held, transaction: undefined };
    }
    const transaction = new MessageTransaction(this.#parts);
    try {
      const held = await this.#heldIn(transaction.txnId, waitSeconds, signal);
      return held === undefined ? undefined : { held, transaction };
    } catch (error) {
      // A message that nobody has seen goes back at once, instead of with its lease.
      if (signal.aborted || mayHaveTaken(error)) await transaction.rollBack();
      throw error;
    }
  }

  async #heldIn(
    txnId: string | undefined,
    ...[waitSeconds, signal]: [number, AbortSignal]
  ): Promise<HeldMessage | undefined> {
    const { queues, take, clock } = this.#parts;
    const sentAt = clock.nowMs();
    const bound = txnId === undefined ? {} : { txnId, txnBound: true };
    const request = { ...take, ...bound, pageSize: 1, waitSeconds };
    const [delivery] = await queues.dequeue(request, { signal: abortLater(signal) });
    if (delivery === undefined) return undefined;
    if (!signal.aborted) {
      try {
        return await HeldMessage.taken(this.#parts, delivery, sentAt);
      } catch (error) {
        if (!isMessageLost(error)) await giveBack(queues, delivery);
        throw error;
      }
    }
    await giveBack(queues, delivery);
    return undefined;
  }

  #start({ held, transaction }: Taken): void {
    const work = new MessageWork(this.#parts, held, transaction);
    this.#works.add(work);
    const ended = (failure: unknown): void => {
      this.#works.delete(work);
      if (failure !== undefined) this.#failure ??= { error: failure };
      this.#step({ kind: "command_ended", failed: failure !== undefined });
    };
    work.done.then(ended, (error: unknown) => {
      this.#over.reject(error);
      ended(undefined);
    });
    this.#step({ kind: "delivered" });
  }

  /** Goes on until what runs has ended, then tells why. */
  #failed(error: unknown): void {
    this.#failure ??= { error };
    this.#step({ kind: "failed" });
  }

  /** The request for messages itself is refused, or a bug. */
  #broken(error: unknown): void {
    this.#failed(error);
    this.#step({ kind: "nothing" });
  }
}

/** False when the answer says so, or nothing was ever sent. */
function mayHaveTaken(error: unknown): boolean {
  return !(error instanceof LockdError) || error.outcomeUnknown;
}
