/**
 * Links between clients and nodes: requests and replies are delayed, lost, doubled, overtaken and
 * cut off in one direction; a client that stops listening is noticed by the node only later.
 */
import {
  type Call,
  CallerGone,
  describeCall,
  describeOutcome,
  type Outcome,
  performCall,
} from "./calls.ts";
import type { Faults } from "./faults.ts";
import type { History, Operation } from "./history.ts";
import type { SimNode } from "./node.ts";
import type { Rng } from "./rng.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

export interface NetworkParts {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly rng: Rng;
  readonly trace: Trace;
  readonly history: History;
}

/** What the client's side of a link makes of a call that got no answer. */
export const noAnswer: Outcome = { kind: "failed", code: "transport", unknown: true };

/** One call as its client sees it: answered once, whoever answers first. */
class PendingCall {
  readonly #resolve: (outcome: Outcome) => void;
  /** Ends what is still being executed for this call. */
  readonly executions = new Set<AbortController>();
  settled = false;

  constructor(resolve: (outcome: Outcome) => void) {
    this.#resolve = resolve;
  }

  settle(outcome: Outcome): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.#resolve(outcome);
    return true;
  }
}

export class Network {
  readonly #parts: NetworkParts;
  /** `to:<node>` and `from:<node>`: nothing passes. */
  readonly #cut = new Set<string>();
  /** Calls being executed, over all nodes. */
  executing = 0;

  constructor(parts: NetworkParts) {
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
  call(node: SimNode, call: Call, timeoutMs: number): Promise<Outcome> {
    const { scheduler, faults, rng } = this.#parts;
    return new Promise((resolve) => {
      const pending = new PendingCall(resolve);
      const copies = faults.strikes("net-duplicate") ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) this.#send(node, call, pending);
      const patienceMs = faults.strikes("client-gone") ? rng.between(0, timeoutMs) : timeoutMs;
      scheduler.after(patienceMs, () => {
        if (pending.settle(noAnswer)) this.#note(`${node.name} gave up: ${describeCall(call)}`);
        this.#abandon(node, pending);
      });
    });
  }

  #send(node: SimNode, call: Call, pending: PendingCall): void {
    const { scheduler, faults } = this.#parts;
    if (faults.strikes("net-request-lost")) return;
    scheduler.after(this.#delay(), () => {
      if (this.#cut.has(`to:${node.name}`)) return;
      const { process } = node;
      if (!process.up) this.#reply(node, pending, noAnswer);
      else process.deliver(process.life, () => this.#execute(node, call, pending));
    });
  }

  #execute(node: SimNode, call: Call, pending: PendingCall): void {
    const { history } = this.#parts;
    const controller = new AbortController();
    const operation = history.invoke(node.name, call);
    this.#note(`op ${operation.id} ${node.name} begins ${describeCall(call)}`);
    pending.executions.add(controller);
    this.executing += 1;
    const alive = node.process.onDeath(() => {
      this.executing -= 1;
      pending.executions.delete(controller);
      this.#reply(node, pending, noAnswer);
    });
    const { life } = node.process;
    void performCall(node.lockd, call, controller.signal).then((outcome) => {
      if (!node.process.isAlive(life)) return;
      this.executing -= 1;
      alive();
      pending.executions.delete(controller);
      this.#answered(operation, outcome);
      this.#reply(node, pending, outcome);
    });
  }

  #answered(operation: Operation, outcome: Outcome): void {
    this.#parts.history.answer(operation, outcome);
    this.#note(`op ${operation.id} ${operation.node} answers ${describeOutcome(outcome)}`);
  }

  #reply(node: SimNode, pending: PendingCall, outcome: Outcome): void {
    const { scheduler, faults } = this.#parts;
    if (faults.strikes("net-reply-lost")) return;
    scheduler.after(this.#delay(), () => {
      if (this.#cut.has(`from:${node.name}`)) return;
      if (pending.settle(outcome)) this.#abandon(node, pending);
    });
  }

  /** The client has gone: what still runs for it is told so, if the node can hear it. */
  #abandon(node: SimNode, pending: PendingCall): void {
    const { scheduler } = this.#parts;
    const { process } = node;
    const { life } = process;
    for (const execution of pending.executions) {
      pending.executions.delete(execution);
      scheduler.after(this.#delay(), () =>
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
