import type { NamePage, PageOptions } from "../../engine/ports/store.ts";
import { byBytes } from "../byte-order.ts";

/** Names of a run at most; a full one is split in two. */
const runLengthMax = 512;

/**
 * A set of names in byte order, as runs of sorted names: adding, deleting and finding cost a binary
 * search and a short move, however many names there are.
 */
export class OrderedNames {
  /** None is empty, but for the first of an empty set. */
  readonly #runs: string[][] = [[]];

  /** Adds a name that is not in the set. */
  add(name: string): void {
    const at = this.#runOf(name);
    const run = this.#runs[at] ?? [];
    run.splice(firstNotBefore(run, name), 0, name);
    if (run.length <= runLengthMax) return;
    this.#runs.splice(at + 1, 0, run.splice(runLengthMax / 2));
  }

  /** Deletes a name that is in the set. */
  delete(name: string): void {
    const at = this.#runOf(name);
    const run = this.#runs[at] ?? [];
    run.splice(firstNotBefore(run, name), 1);
    if (run.length === 0 && this.#runs.length > 1) this.#runs.splice(at, 1);
  }

  /** The names that start with `prefix`, strictly after `after`. */
  page(prefix: string, { after, limit }: PageOptions): NamePage {
    const from = after === undefined || byBytes(after, prefix) < 0 ? prefix : after;
    const names: string[] = [];
    let runAt = this.#runOf(from);
    let at = firstNotBefore(this.#runs[runAt] ?? [], from);
    for (; runAt < this.#runs.length; runAt += 1, at = 0) {
      const run = this.#runs[runAt] ?? [];
      for (; at < run.length; at += 1) {
        const name = run[at] ?? "";
        if (name === after) continue;
        if (!name.startsWith(prefix)) return { names, more: false };
        if (names.length === limit) return { names, more: true };
        names.push(name);
      }
    }
    return { names, more: false };
  }

  /** The run in which a name is or belongs: the last one that does not start behind it. */
  #runOf(name: string): number {
    let [low, high] = [0, this.#runs.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (byBytes(this.#runs[middle]?.[0] ?? "", name) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function firstNotBefore(run: readonly string[], name: string): number {
  let [low, high] = [0, run.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byBytes(run[middle] ?? "", name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
