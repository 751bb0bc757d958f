/** A seeded client that moves messages from queue to queue, each in a transaction of its own. */
import type { Delivery, EnqueueResult } from "../../../src/api/queues.ts";
import type { TxnState } from "../../../src/api/transactions.ts";
import { identityOf } from "../../conformance/queue-story.ts";
import type { SimNode } from "../node.ts";
import type { QueueOutcome, QueueWire } from "../queue/wire.ts";
import type { Rng } from "../rng.ts";
import type { Scheduler } from "../scheduler.ts";

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

export interface MoveClientParts {
  readonly name: string;
  readonly number: number;
  readonly queues: readonly string[];
  readonly nodes: readonly SimNode[];
  readonly wire: QueueWire;
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly sessions: number;
  readonly pauseMs: number;
  readonly moves: Move[];
}

const callTimeoutMs = 12_000;

class GaveUp extends Error {
  override readonly name = "GaveUp";
}

export class MoveClient {
  readonly #parts: MoveClientParts;
  #count = 0;

  constructor(parts: MoveClientParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { scheduler, rng, sessions, pauseMs } = this.#parts;
    for (let session = 0; session < sessions; session += 1) {
      await scheduler.sleep(rng.between(0, pauseMs * 2));
      await this.#session().catch((error: unknown) => {
        if (!(error instanceof GaveUp)) throw error;
      });
    }
  }

  async #session(): Promise<void> {
    const { number, rng, moves, name, scheduler } = this.#parts;
    this.#count += 1;
    const id = (number + 1) * 100_000 + this.#count;
    const txnId = `${id.toString(32).padStart(19, "0")}g`;
    const move: Move = {
      txnId,
      taken: undefined,
      sent: new Map(),
      asked: undefined,
      answered: undefined,
    };
    moves.push(move);
    if (rng.chance(0.2)) {
      // Born in a transaction, a pair: both are there or none is.
      await this.#send(move, `${name}-${this.#count}a`);
      await this.#send(move, `${name}-${this.#count}b`);
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
    const page = await this.#call<readonly Delivery[]>("dequeue", (node, signal) =>
      node.lockd.queues.dequeue({ ...request, visibilityTimeoutSeconds }, { signal }),
    );
    return page[0];
  }

  async #send(move: Move, mark: string): Promise<void> {
    const { rng, queues } = this.#parts;
    const { txnId } = move;
    const group = rng.chance(0.3) ? rng.pick(["g", "h"]) : undefined;
    const dedupeKey = rng.chance(0.4) ? `${mark}/${txnId}` : undefined;
    const request = { queue: rng.pick(queues), txnId, group, dedupeKey };
    const answer = await this.#call<EnqueueResult>(`send ${mark}`, (node) =>
      node.lockd.queues.enqueue(request, Buffer.from(mark)),
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
          await this.#call<unknown>(verb, (node) => node.lockd.queues[verb](identityOf(delivery)));
          move.answered = state;
        } else {
          const decided = await this.#call(state, (node) =>
            node.lockd.transactions.decide({ txnId, state }),
          );
          move.answered = decided.state;
        }
        return;
      } catch (error) {
        if (!(error instanceof GaveUp)) throw error;
      }
    }
  }

  async #call<T>(
    what: string,
    run: (node: SimNode, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { nodes, rng, wire } = this.#parts;
    const node = rng.pick(nodes);
    const call = {
      verb: "joint" as const,
      about: { what },
      run: (_queues: unknown, signal: AbortSignal) => run(node, signal),
    };
    const outcome: QueueOutcome = await wire.call(node, call, callTimeoutMs);
    if (outcome.kind === "ok") return outcome.answer as T;
    throw new GaveUp(JSON.stringify(outcome));
  }
}
