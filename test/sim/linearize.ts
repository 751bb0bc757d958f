/**
 * Is there an order of the operations of one key that respects real time and that the model
 * explains? A depth-first search with memory of the dead ends (as Wing and Gong, with Lowe's
 * cache). Operations nobody heard the end of may take effect any time after they began, or never.
 */
import type { Operation } from "./history.ts";
import { freshKey, KeyModel, type KeyState, type ModelRules, stateText } from "./model.ts";

/** Steps of one search; beyond it the answer is "inconclusive", which is counted. */
export const searchStepsMax = 60_000;

export type Verdict =
  | { readonly kind: "linearizable"; readonly steps: number }
  | { readonly kind: "inconclusive"; readonly steps: number }
  | {
      readonly kind: "violation";
      readonly steps: number;
      /** The longest explained prefix ended in one of these states ... */
      readonly state: KeyState;
      /** ... in which none of these could be next. */
      readonly stuck: readonly Operation[];
    };

export interface Sorted {
  /** Answered operations that constrain the order, by the time they began. */
  readonly heard: readonly Operation[];
  /** Operations that may or may not have taken effect, by the time they began. */
  readonly unheard: readonly Operation[];
}

class Search {
  readonly #sorted: Sorted;
  readonly #model: KeyModel;
  readonly #done: Uint8Array;
  readonly #used: Uint8Array;
  readonly #dead = new Set<string>();
  #left: number;
  #first = 0;
  steps = 0;
  best: { state: KeyState; stuck: readonly Operation[] };
  #bestLeft: number;

  constructor(sorted: Sorted, model: KeyModel) {
    this.#sorted = sorted;
    this.#model = model;
    this.#done = new Uint8Array(sorted.heard.length);
    this.#used = new Uint8Array(sorted.unheard.length);
    this.#left = sorted.heard.length;
    this.#bestLeft = this.#left + 1;
    this.best = { state: freshKey, stuck: [] };
  }

  /** True when everything that is left can be explained from `state`. */
  from(state: KeyState): boolean {
    if (this.#left === 0) return true;
    if (this.steps >= searchStepsMax) return false;
    const place = this.#place(state);
    if (this.#dead.has(place)) return false;
    this.steps += 1;
    const { next, beforeOrder } = this.#candidates();
    if (this.#left < this.#bestLeft) {
      this.#bestLeft = this.#left;
      this.best = { state, stuck: next.map((at) => this.#sorted.heard[at] as Operation) };
    }
    for (const at of next) if (this.#tryHeard(at, state)) return true;
    const { unheard } = this.#sorted;
    for (let at = 0; at < unheard.length; at += 1) {
      if ((unheard[at] as Operation).invokedAt > beforeOrder) break;
      if (this.#used[at] === 0 && this.#tryUnheard(at, state)) return true;
    }
    this.#dead.add(place);
    return false;
  }

  #tryHeard(at: number, state: KeyState): boolean {
    const operation = this.#sorted.heard[at] as Operation;
    const first = this.#first;
    this.#done[at] = 1;
    this.#left -= 1;
    while (this.#done[this.#first] === 1) this.#first += 1;
    for (const next of this.#model.after(state, operation)) if (this.from(next)) return true;
    this.#first = first;
    this.#done[at] = 0;
    this.#left += 1;
    return false;
  }

  #tryUnheard(at: number, state: KeyState): boolean {
    const operation = this.#sorted.unheard[at] as Operation;
    const after = this.#model.afterUnheard(state, operation);
    if (after.length === 0) return false;
    this.#used[at] = 1;
    for (const next of after) {
      if (this.from(next)) return true;
    }
    this.#used[at] = 0;
    return false;
  }

  /** Operations that may be next: those that began before any other of them was answered. */
  #candidates(): { readonly next: readonly number[]; readonly beforeOrder: number } {
    const { heard } = this.#sorted;
    const next: number[] = [];
    let beforeOrder = Number.POSITIVE_INFINITY;
    for (let at = this.#first; at < heard.length; at += 1) {
      const operation = heard[at] as Operation;
      if (operation.invokedAt > beforeOrder) break;
      if (this.#done[at] === 1) continue;
      next.push(at);
      beforeOrder = Math.min(beforeOrder, operation.answeredAt);
    }
    const answeredAt = (at: number): number => (heard[at] as Operation).answeredAt;
    const inTime = next.filter((at) => (heard[at] as Operation).invokedAt < beforeOrder);
    inTime.sort((one, other) => answeredAt(one) - answeredAt(other));
    return { next: inTime, beforeOrder };
  }

  #place(state: KeyState): string {
    let place = `${this.#first}`;
    for (let at = this.#first + 1; at < this.#done.length; at += 1) {
      if (this.#done[at] === 1) place += `.${at}`;
      else if ((this.#sorted.heard[at] as Operation).invokedAt > this.#horizon()) break;
    }
    for (let at = 0; at < this.#used.length; at += 1) if (this.#used[at] === 1) place += `-${at}`;
    return `${place}|${stateText(state)}`;
  }

  /** Nothing that began after the first unexplained operation was answered can be done yet. */
  #horizon(): number {
    return this.#sorted.heard[this.#first]?.answeredAt ?? 0;
  }
}

/** Judges the history of one key. */
export function checkLinearizable(sorted: Sorted, rules: ModelRules): Verdict {
  const search = new Search(sorted, new KeyModel(rules));
  if (search.from(freshKey)) return { kind: "linearizable", steps: search.steps };
  if (search.steps >= searchStepsMax) return { kind: "inconclusive", steps: search.steps };
  return { kind: "violation", steps: search.steps, ...search.best };
}

const refusalsThatTell = new Set([
  "lease_required",
  "lease_expired",
  "fencing_mismatch",
  "version_conflict",
  "etag_mismatch",
  "already_exists",
  "waiting",
]);

/** Which operations of a key the search must explain, and which may have happened unheard. */
export function sortOperations(operations: readonly Operation[]): Sorted {
  const heard: Operation[] = [];
  const unheard: Operation[] = [];
  const acquires = operations.filter(({ call }) => call.verb === "acquire");
  for (const operation of operations) {
    const { outcome } = operation;
    if (outcome?.kind === "ok") heard.push(operation);
    else if (outcome === undefined || (outcome.kind === "failed" && outcome.unknown)) {
      if (KeyModel.canTakeEffect(operation)) unheard.push(neverOver(operation));
    } else if (outcome.kind === "failed" && outcome.code === "waiting") {
      sortWaiting(operation, acquires, { heard, unheard });
    } else if (outcome.kind === "failed" && refusalsThatTell.has(outcome.code)) {
      heard.push(operation);
    }
    // Any other refusal promises that nothing happened: it is simply left out.
  }
  return { heard, unheard };
}

/**
 * Who waited may have been granted the key in the moment of giving up (it is given back then). Who
 * did not wait saw the key held, unless others stood in line at that node: nobody overtakes them.
 */
function sortWaiting(
  operation: Operation,
  acquires: readonly Operation[],
  into: { readonly heard: Operation[]; readonly unheard: Operation[] },
): void {
  const { call } = operation;
  if (call.verb !== "acquire") return;
  if (call.blockSeconds >= 0) {
    into.unheard.push(neverOver(operation));
    return;
  }
  const inLine = acquires.some(
    (other) =>
      other !== operation &&
      other.node === operation.node &&
      other.invokedAt < operation.answeredAt &&
      (mayLinger(other) || other.answeredAt > operation.invokedAt),
  );
  if (!inLine) into.heard.push(operation);
}

/** A caller that has gone keeps its place until the attempt made for it is over. */
function mayLinger({ call, outcome }: Operation): boolean {
  if (outcome?.kind !== "failed" || call.verb !== "acquire") return false;
  return outcome.unknown || (outcome.code === "waiting" && call.blockSeconds >= 0);
}

/** The effect of such an operation may come later than its caller stopped listening. */
function neverOver(operation: Operation): Operation {
  const ever = Number.POSITIVE_INFINITY;
  return { ...operation, answeredAt: ever, answeredMs: ever };
}
