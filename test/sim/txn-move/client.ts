/** A seeded client that moves messages from queue to queue, each in a transaction of its own. */
import type { Delivery, EnqueueResult } from "../../../src/api/queues.ts";
import type { TxnState } from "../../../src/api/transactions.ts";
import { identityOf } from "../../conformance/queue-story.ts";
import { Caller, type CallerParts, GaveUp } from "../caller.ts";

/** One transaction as its client saw it. */
export interface Move {
  readonly txnId: string;
  /** The message it took; undefined: it only sends. */
  taken: string | undefined;
  /** What it sent and was answered to be staged, by message id: the mark that is in it. */
  readonly sent: Map<string, string>;
  asked: TxnState | undefined;
  answered: TxnState | undefined;
}

export interface MoveClientParts extends CallerParts {
  readonly queues: readonly string[];
  readonly moves: Move[];
}

export class MoveClient {
  readonly #parts: MoveClientParts;
  readonly #caller: Caller;

  constructor(parts: MoveClientParts) {
    this.#parts = parts;
    this.#caller = new Caller(parts);
  }

  run(): Promise<void> {
    return this.#caller.rounds((at) => this.#session(at + 1));
  }

  async #session(count: number): Promise<void> {
    const { rng, moves, name, scheduler } = this.#parts;
    const move: Move = {
      txnId: this.#caller.nextTxnId(),
      taken: undefined,
      sent: new Map(),
      asked: undefined,
      answered: undefined,
    };
    moves.push(move);
    if (rng.chance(0.2)) {
      // Born in a transaction, a pair: both are there or none is.
      await this.#send(move, `${name}-${count}a`);
      await this.#send(move, `${name}-${count}b`);
      await this.#decide(move, undefined);
      return;
    }
    const delivery = await this.#take(move);
    if (delivery === undefined) return;
    const mark = Buffer.from(delivery.payload as Uint8Array).toString();
    move.taken = mark;
    // Longer than some deliveries last: then somebody else may have the message.
    if (rng.chance(0.3)) await scheduler.sleep(rng.between(0, 8_000));
    await this.#send(move, mark);
    if (rng.chance(0.2)) await scheduler.sleep(rng.between(0, 8_000));
    if (rng.chance(0.08)) return;
    await this.#decide(move, delivery);
  }

  async #take({ txnId }: Move): Promise<Delivery | undefined> {
    const { rng, queues, name } = this.#parts;
    const visibilityTimeoutSeconds = rng.pick([3, 6, 15, 40]);
    const request = { queue: rng.pick(queues), owner: name, waitSeconds: 2, txnId };
    const page = await this.#caller.call<readonly Delivery[]>("dequeue", (lockd, signal) =>
      lockd.queues.dequeue({ ...request, visibilityTimeoutSeconds }, { signal }),
    );
    return page[0];
  }

  async #send(move: Move, mark: string): Promise<void> {
    const { rng, queues } = this.#parts;
    const { txnId } = move;
    const group = rng.chance(0.3) ? rng.pick(["g", "h"]) : undefined;
    const dedupeKey = rng.chance(0.4) ? `${mark}/${txnId}` : undefined;
    const request = { queue: rng.pick(queues), txnId, group, dedupeKey };
    const answer = await this.#caller.call<EnqueueResult>(`send ${mark}`, (lockd) =>
      lockd.queues.enqueue(request, Buffer.from(mark)),
    );
    move.sent.set(answer.messageId, mark);
  }

  async #decide(move: Move, delivery: Delivery | undefined): Promise<void> {
    const { rng } = this.#parts;
    const { txnId } = move;
    const state = rng.chance(0.8) ? "commit" : "rollback";
    move.asked = state;
    for (let time = 0; time < 3; time += 1) {
      try {
        if (delivery !== undefined && rng.chance(0.5)) {
          const verb = state === "commit" ? "ack" : "nack";
          await this.#caller.call<unknown>(verb, (lockd) =>
            lockd.queues[verb](identityOf(delivery)),
          );
          move.answered = state;
        } else {
          const decided = await this.#caller.call(state, (lockd) =>
            lockd.transactions.decide({ txnId, state }),
          );
          move.answered = decided.state;
        }
        return;
      } catch (error) {
        if (!(error instanceof GaveUp)) throw error;
      }
    }
  }
}
