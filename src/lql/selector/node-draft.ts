/** Clauses put into their slots (query-and-lql.md section 3.2). */
import type { TermJson } from "./clause-text.ts";
import { selectorNestingMax, slotIndexMax } from "./limits.ts";
import { isTermName, type Selector, type TermName } from "./selector.ts";
import { SelectorFault, shown } from "./selector-fault.ts";

/** One step of the way to a clause's node; without index, the next free slot. */
export type Link =
  | { readonly kind: "and" | "or"; readonly index: number | undefined }
  | { readonly kind: "not" };

export interface ClauseAddress {
  readonly links: readonly Link[];
  readonly term: TermName;
}

/**
 * The address `and.0.not.eq` says.
 * @throws SelectorFault
 */
export function readAddress(text: string): ClauseAddress {
  const words = text.toLowerCase().split(".");
  const last = words.pop() ?? "";
  if (!isTermName(last)) {
    throw new SelectorFault(`${shown(last)} is no term; a clause reads eq{field=/a,value=b}`);
  }
  const links: Link[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i];
    if (word === "not") {
      links.push({ kind: "not" });
    } else if (word === "and" || word === "or") {
      const next = words[i + 1] ?? "";
      const hasIndex = /^[0-9]+$/.test(next);
      if (hasIndex) i += 1;
      links.push({ kind: word, index: hasIndex ? readIndex(next) : undefined });
    } else {
      throw new SelectorFault(
        `${shown(word ?? "")} is no link; links are and, or, not, with a number behind and or or`,
      );
    }
  }
  return { links, term: last };
}

function readIndex(digits: string): number {
  const index = Number(digits);
  if (index <= slotIndexMax) return index;
  throw new SelectorFault(`slot ${shown(digits)} is above ${slotIndexMax}`);
}

class Slots {
  readonly #drafts = new Map<number, NodeDraft>();
  #next = 0;
  #ordered = true;

  slot(index = this.#next): NodeDraft {
    if (index < this.#next) this.#ordered = false;
    this.#next = Math.max(this.#next, index + 1);
    const draft = this.#drafts.get(index) ?? new NodeDraft();
    this.#drafts.set(index, draft);
    return draft;
  }

  json(): Selector[] {
    const drafts = [...this.#drafts];
    if (!this.#ordered) drafts.sort(([a], [b]) => a - b);
    return drafts.map(([, draft]) => draft.json());
  }
}

/** A node that is being put together. */
export class NodeDraft {
  #and: Slots | undefined;
  #or: Slots | undefined;
  #not: NodeDraft | undefined;
  readonly #terms = new Map<TermName, TermJson>();

  /**
   * Adds a clause at its address below this node.
   * @throws SelectorFault when the node has another clause of the same term
   */
  add({ links, term }: ClauseAddress, json: TermJson): void {
    if (links.length > selectorNestingMax) {
      throw new SelectorFault(`selectors nest at most ${selectorNestingMax} levels deep`);
    }
    let draft: NodeDraft = this;
    for (const link of links) draft = draft.#follow(link);
    const before = draft.#terms.get(term);
    if (before !== undefined && sortedJson(before) !== sortedJson(json)) {
      throw new SelectorFault(`two different ${term} clauses in one slot; give them two slots`);
    }
    draft.#terms.set(term, json);
  }

  #follow(link: Link): NodeDraft {
    switch (link.kind) {
      case "and":
        this.#and ??= new Slots();
        return this.#and.slot(link.index);
      case "or":
        this.#or ??= new Slots();
        return this.#or.slot(link.index);
      case "not":
        this.#not ??= new NodeDraft();
        return this.#not;
    }
  }

  json(): Selector {
    const json: Record<string, unknown> = {};
    if (this.#and !== undefined) json.and = this.#and.json();
    if (this.#or !== undefined) json.or = this.#or.json();
    if (this.#not !== undefined) json.not = this.#not.json();
    for (const [term, termJson] of this.#terms) json[term] = termJson;
    return json;
  }
}

/** Two texts of one term may name its members in different order. */
function sortedJson(json: TermJson): string {
  return typeof json === "string" ? json : JSON.stringify(Object.entries(json).sort());
}

/** What was written and where it belongs. */
export interface PlacedClause {
  readonly address: ClauseAddress;
  readonly json: TermJson;
  /** Offset or name for messages. */
  readonly at: number;
}

/**
 * The selector of several clauses: one alone is itself, else `and` is implied where a clause does
 * not begin with `and` or `or`.
 * @throws SelectorFault, through `fail`, which knows how to say where
 */
export function combineClauses(
  clauses: readonly PlacedClause[],
  implied: "and" | "or",
  fail: (fault: unknown, clause: PlacedClause) => never,
): Selector {
  const root = new NodeDraft();
  for (const clause of clauses) {
    const { links, term } = clause.address;
    const [first] = links;
    const linked = clauses.length === 1 || (first !== undefined && first.kind !== "not");
    const address = linked
      ? clause.address
      : { links: [{ kind: implied, index: undefined }, ...links], term };
    try {
      root.add(address, clause.json);
    } catch (error) {
      fail(error, clause);
    }
  }
  return root.json();
}
