/**
 * Links between the clients of queues and their nodes, with the faults of `network.ts`: requests
 * and replies are delayed, lost, doubled and cut off, and a client that has gone is noticed later.
 * What was executed is recorded at the nodes, where intervals are narrowest.
 */
import { LockdError } from "../../../src/api/errors.ts";
import type { ServedLockd } from "../../../src/api/lockd.ts";
import type { ServedQueues } from "../../../src/api/queues.ts";
import type { Faults } from "../faults.ts";
import type { SimNode } from "../node.ts";
import type { Rng } from "../rng.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Trace } from "../trace.ts";

export type QueueOutcome =
  | { readonly kind: "ok"; readonly answer: unknown }
  | { readonly kind: "failed"; readonly code: string; readonly unknown: boolean }
  | { readonly kind: "broken"; readonly what: string };

export type QueueVerb =
  | "enqueue"
  | "dequeue"
  | "subscribe"
  | "ack"
  | "nack"
  | "extend"
  | "readState"
  | "writeState"
  | "letters"
  | "letter"
  | "redrive"
  | "purge"
  | "joint";

export interface QueueCall {
  readonly verb: QueueVerb;
  /** What the checks want to know of the request. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly run: (queues: ServedQueues, signal: AbortSignal, lockd: ServedLockd) => Promise<unknown>;
}

/** One execution of a call at a node. */
export interface QueueOperation {
  readonly id: number;
  readonly node: string;
  readonly verb: QueueCall["verb"];
  readonly about: QueueCall["about"];
  readonly invokedAt: number;
  readonly invokedMs: number;
  /** undefined: never answered. */
  outcome: QueueOutcome | undefined;
  answeredAt: number;
  answeredMs: number;
}

export interface WireParts {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly rng: Rng;
  readonly trace: Trace;
}

class CallerGone extends Error {
  override readonly name = "CallerGone";
}

export const lostCall: QueueOutcome = { kind: "failed", code: "transport", unknown: true };

export function isUncertain(outcome: QueueOutcome | undefined): boolean {
  return outcome === undefined || (outcome.kind === "failed" && outcome.unknown);
}

async function perform(
  lockd: ServedLockd,
  call: QueueCall,
  signal: AbortSignal,
): Promise<QueueOutcome> {
  try {
    return { kind: "ok", answer: await call.run(lockd.queues, signal, lockd) };
  } catch (error) {
    if (error instanceof CallerGone) return { kind: "failed", code: "caller_gone", unknown: true };
    if (error instanceof LockdError) {
      return { kind: "failed", code: error.code, unknown: error.outcomeUnknown };
    }
    return { kind: "broken", what: error instanceof Error ? String(error.stack) : String(error) };
  }
}

interface Pending {
  /** The client has gone: what is executed for it later ends at once. */
  abandoned: boolean;
  readonly executions: Set<AbortController>;
  settle(outcome: QueueOutcome): boolean;
}

export class QueueWire {
  readonly operations: QueueOperation[] = [];
  readonly #parts: WireParts;
  readonly #cut = new Set<string>();
  #order = 0;
  executing = 0;

  constructor(parts: WireParts) {
    this.#parts = parts;
  }

  cut(node: SimNode, direction: "to" | "from"): void {
    this.#cut.add(`${direction}:${node.name}`);
  }

  heal(node?: SimNode): void {
    if (node === undefined) this.#cut.clear();
    for (const direction of ["to", "from"]) this.#cut.delete(`${direction}:${node?.name ?? ""}`);
  }

  /** Calls a node; the client stops listening after `timeoutMs`. Never rejects. */
  call(node: SimNode, call: QueueCall, timeoutMs: number): Promise<QueueOutcome> {
    const { scheduler, faults, rng } = this.#parts;
    return new Promise((resolve) => {
      let settled = false;
      const pending: Pending = {
        abandoned: false,
        executions: new Set(),
        settle: (outcome) => {
          if (settled) return false;
          settled = true;
          resolve(outcome);
          return true;
        },
      };
      const copies = faults.strikes("net-duplicate") ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) this.#send(node, call, pending);
      const patienceMs = faults.strikes("client-gone") ? rng.between(0, timeoutMs) : timeoutMs;
      scheduler.after(patienceMs, () => {
        pending.settle(lostCall);
        this.#abandon(node, pending);
      });
    });
  }

  #send(node: SimNode, call: QueueCall, pending: Pending): void {
    const { scheduler, faults } = this.#parts;
    if (faults.strikes("net-request-lost")) return;
    scheduler.after(this.#delay(), () => {
      if (this.#cut.has(`to:${node.name}`)) return;
      const { process } = node;
      if (!process.up) this.#reply(node, pending, lostCall);
      else process.deliver(process.life, () => this.#execute(node, call, pending));
    });
  }

  #execute(node: SimNode, call: QueueCall, pending: Pending): void {
    const controller = new AbortController();
    const operation = this.begin(node.name, call);
    pending.executions.add(controller);
    this.executing += 1;
    if (pending.abandoned) this.#abandon(node, pending);
    const alive = node.process.onDeath(() => {
      this.executing -= 1;
      pending.executions.delete(controller);
      this.#reply(node, pending, lostCall);
    });
    const { life } = node.process;
    void perform(node.lockd, call, controller.signal).then((outcome) => {
      if (!node.process.isAlive(life)) return;
      this.executing -= 1;
      alive();
      pending.executions.delete(controller);
      this.end(operation, outcome);
      this.#reply(node, pending, outcome);
    });
  }

  /** Something begins at a node: a call, or one delivery of a stream. */
  begin(node: string, { verb, about }: Pick<QueueCall, "verb" | "about">): QueueOperation {
    this.#order += 1;
    const operation: QueueOperation = {
      id: this.operations.length,
      node,
      verb,
      about,
      invokedAt: this.#order,
      invokedMs: this.#parts.scheduler.now,
      outcome: undefined,
      answeredAt: Number.POSITIVE_INFINITY,
      answeredMs: Number.POSITIVE_INFINITY,
    };
    this.operations.push(operation);
    this.#note(`op ${operation.id} ${node} begins ${verb} ${JSON.stringify(about)}`);
    return operation;
  }

  end(operation: QueueOperation, outcome: QueueOutcome): void {
    this.#order += 1;
    operation.outcome = outcome;
    operation.answeredAt = this.#order;
    operation.answeredMs = this.#parts.scheduler.now;
    const { id, node } = operation;
    this.#note(`op ${id} ${node} answers ${JSON.stringify(outcome).slice(0, 400)}`);
  }

  /** A part of an answer that goes on: it arrives after a while, unless the link is cut by then. */
  push(node: SimNode, arrives: () => void): void {
    this.#parts.scheduler.after(this.#delay(), () => {
      if (!this.#cut.has(`from:${node.name}`)) arrives();
    });
  }

  #reply(node: SimNode, pending: Pending, outcome: QueueOutcome): void {
    const { scheduler, faults } = this.#parts;
    if (faults.strikes("net-reply-lost")) return;
    scheduler.after(this.#delay(), () => {
      if (this.#cut.has(`from:${node.name}`)) return;
      if (pending.settle(outcome)) this.#abandon(node, pending);
    });
  }

  #abandon(node: SimNode, pending: Pending): void {
    pending.abandoned = true;
    const { process } = node;
    const { life } = process;
    for (const execution of pending.executions) {
      pending.executions.delete(execution);
      this.#parts.scheduler.after(this.#delay(), () =>
        process.deliver(life, () => execution.abort(new CallerGone("the caller has gone"))),
      );
    }
  }

  #delay(): number {
    const { rng, faults } = this.#parts;
    return faults.strikes("net-slow") ? rng.between(20, 3_000) : rng.between(0.05, 3);
  }

  #note(text: string): void {
    this.#parts.trace.note(this.#parts.scheduler.now, text);
  }
}
