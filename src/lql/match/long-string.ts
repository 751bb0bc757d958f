/** A string too long to be held, searched piece by piece. */
import { foldCase } from "../json/decode-string.ts";
import type { LongTest } from "./clause-test.ts";
import type { Decision } from "./decision.ts";
import type { PlacedTest } from "./path-tree.ts";

interface Search {
  readonly node: number;
  readonly test: LongTest;
}

const highSurrogate = /[\uD800-\uDBFF]$/;

export class LongString {
  readonly #decision: Decision;
  readonly #searches: readonly Search[];
  readonly #overlap: number;
  readonly #folds: boolean;
  /** Half a character that waits for its other half. */
  #half = "";
  /** The end of the text so far: a needle may begin in it. */
  #tail = "";
  #foldedTail = "";
  #started = false;

  constructor(tests: readonly PlacedTest[], decision: Decision) {
    this.#decision = decision;
    this.#searches = tests.flatMap(({ node, long }) =>
      long !== undefined && decision.isOpen(node) ? [{ node, test: long }] : [],
    );
    const needles = this.#searches.flatMap(({ test }) => test.needles);
    this.#overlap = needles.reduce((longest, { length }) => Math.max(longest, length), 1) - 1;
    this.#folds = this.#searches.some(({ test }) => test.ignoreCase);
  }

  /** One more piece. The first is longer than any needle: prefixes are settled by it. */
  add(piece: string): void {
    const text = this.#half + piece;
    this.#half = highSurrogate.test(text) ? text.slice(-1) : "";
    this.#search(this.#half === "" ? text : text.slice(0, -1));
  }

  /** The string is over; half a character stays one. */
  end(): void {
    if (this.#half !== "") this.#search(this.#half);
  }

  #search(text: string): void {
    const plain = this.#tail + text;
    const folded = this.#folds ? this.#foldedTail + foldCase(text) : "";
    for (const { node, test } of this.#searches) {
      if (this.#decision.isOpen(node) && this.#holds(test, test.ignoreCase ? folded : plain)) {
        this.#decision.setTrue(node);
      }
    }
    this.#started = true;
    this.#tail = this.#overlap === 0 ? "" : plain.slice(-this.#overlap);
    this.#foldedTail = this.#overlap === 0 ? "" : folded.slice(-this.#overlap);
  }

  #holds({ kind, needles }: LongTest, text: string): boolean {
    if (kind === "any") return true;
    if (kind === "contains") return needles.some((needle) => text.includes(needle));
    return !this.#started && needles.some((needle) => text.startsWith(needle));
  }
}
