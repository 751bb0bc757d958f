import type { ServedLockd } from "../../src/api/lockd.ts";
import type { SimNode } from "./node.ts";
import type { QueueOutcome, QueueWire } from "./queue/wire.ts";
import type { Rng } from "./rng.ts";
import type { Scheduler } from "./scheduler.ts";

/** What every client of a simulated world has. */
export interface CallerParts {
  readonly name: string;
  readonly number: number;
  readonly nodes: readonly SimNode[];
  readonly wire: QueueWire;
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  /** Whatever this client does, so many times. */
  readonly rounds: number;
  readonly pauseMs: number;
}

/** A call that a client does not go on after. */
export class GaveUp extends Error {
  override readonly name = "GaveUp";
  readonly outcome: QueueOutcome;

  constructor(outcome: QueueOutcome) {
    super(JSON.stringify(outcome));
    this.outcome = outcome;
  }
}

export type NodeCall<T> = (lockd: ServedLockd, signal: AbortSignal) => Promise<T>;

const callTimeoutMs = 12_000;

/** Calls nodes over the wire, and begins transactions under ids of its own. */
export class Caller {
  readonly #parts: CallerParts;
  #txns = 0;

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** @throws GaveUp */
  async call<T>(what: string, run: NodeCall<T>): Promise<T> {
    const { nodes, rng, wire, name } = this.#parts;
    const node = rng.pick(nodes);
    const call = {
      verb: "joint" as const,
      about: { what, by: name },
      run: (_queues: unknown, signal: AbortSignal) => run(node.lockd, signal),
    };
    const outcome = await wire.call(node, call, callTimeoutMs);
    if (outcome.kind === "ok") return outcome.answer as T;
    throw new GaveUp(outcome);
  }

  /** A new id of this client. */
  nextTxnId(): string {
    this.#txns += 1;
    const id = (this.#parts.number + 1) * 100_000 + this.#txns;
    return `${id.toString(32).padStart(19, "0")}g`;
  }

  /** Rounds one after the other, with pauses; one that gives up is over. */
  async rounds(round: (at: number) => Promise<void>): Promise<void> {
    const { scheduler, rng, rounds, pauseMs } = this.#parts;
    for (let at = 0; at < rounds; at += 1) {
      await scheduler.sleep(rng.between(0, pauseMs * 2));
      await round(at).catch((error: unknown) => {
        if (!(error instanceof GaveUp)) throw error;
      });
    }
  }
}
