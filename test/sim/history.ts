/**
 * What was called on which node and what it answered, in the order in which it happened. Recorded
 * at the nodes: intervals there are narrower than the clients', so the checks are stricter, and a
 * request that the network executes twice is two operations.
 */
import { type Call, describeCall, describeOutcome, type Outcome } from "./calls.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Operation {
  readonly id: number;
  readonly node: string;
  readonly call: Call;
  readonly invokedAt: number;
  readonly invokedMs: number;
  /** undefined: never answered (the node died); then it may have taken effect at any time later. */
  outcome: Outcome | undefined;
  answeredAt: number;
  answeredMs: number;
}

export class History {
  readonly #scheduler: Scheduler;
  readonly operations: Operation[] = [];
  #order = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  invoke(node: string, call: Call): Operation {
    this.#order += 1;
    const operation: Operation = {
      id: this.operations.length,
      node,
      call,
      invokedAt: this.#order,
      invokedMs: this.#scheduler.now,
      outcome: undefined,
      answeredAt: Number.POSITIVE_INFINITY,
      answeredMs: Number.POSITIVE_INFINITY,
    };
    this.operations.push(operation);
    return operation;
  }

  answer(operation: Operation, outcome: Outcome): void {
    this.#order += 1;
    operation.outcome = outcome;
    operation.answeredAt = this.#order;
    operation.answeredMs = this.#scheduler.now;
  }

  ofKey(key: string): readonly Operation[] {
    return this.operations.filter((operation) => operation.call.key === key);
  }
}

export function describeOperation(operation: Operation): string {
  const { id, node, call, invokedMs, answeredMs, outcome } = operation;
  const until = Number.isFinite(answeredMs) ? answeredMs.toFixed(1) : "...";
  const span = `[${invokedMs.toFixed(1)}, ${until}]`;
  return `op ${id} ${node} ${span} ${describeCall(call)} -> ${describeOutcome(outcome)}`;
}
