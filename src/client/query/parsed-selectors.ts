import { parseSelector } from "../../lql/selector/parse-selector.ts";
import type { Selector } from "../../lql/selector/selector.ts";
import { parsedSelectorsMax } from "../limits.ts";

/** Parsed selector texts: a program asks the same few questions again and again. */
export class ParsedSelectors {
  readonly #parse: (text: string) => Selector;
  readonly #known = new Map<string, Selector>();

  constructor(parse: (text: string) => Selector = parseSelector) {
    this.#parse = parse;
  }

  /** @throws LqlSyntaxError */
  get(text: string): Selector {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const selector = this.#parse(text);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < parsedSelectorsMax) break;
      this.#known.delete(oldest);
    }
    this.#known.set(text, selector);
    return selector;
  }
}
