/** The JSON form of a selector, checked (query-and-lql.md section 5). */
import { failure } from "../../api/errors.ts";
import { parseKeepingDigits } from "../json/parse-keeping-digits.ts";
import { checkClause } from "./check-clause.ts";
import { selectorClausesMax, selectorNestingMax } from "./limits.ts";
import { type CheckedSelector, type SelectorNode, termNames } from "./selector.ts";
import { SelectorFault } from "./selector-fault.ts";

const all: SelectorNode = { kind: "all" };

/**
 * The checked form of a selector's JSON; null and undefined match everything, like `{}`.
 * @throws invalid_selector naming the member
 * @example checkSelector({ eq: { field: "/status", value: "open" } })
 */
export function checkSelector(json: unknown): CheckedSelector {
  return { root: new SelectorCheck().node(json, "", 0) };
}

/**
 * Like {@link checkSelector} from JSON text, keeping digits that doubles cannot hold.
 * @throws invalid_selector
 */
export function checkSelectorText(text: string): CheckedSelector {
  let json: unknown;
  try {
    json = parseKeepingDigits(text);
  } catch (cause) {
    const form = '{"eq":{"field":"/status","value":"open"}}';
    throw failure("invalid_selector", `the selector is not JSON: ${form}`, { cause });
  }
  return checkSelector(json);
}

class SelectorCheck {
  #clauses = 0;

  node(json: unknown, at: string, depth: number): SelectorNode {
    if (json === undefined || json === null) return all;
    if (typeof json !== "object" || Array.isArray(json)) {
      throw invalid(at, "a selector is an object: {}");
    }
    if (depth > selectorNestingMax) {
      throw invalid("", `selectors nest at most ${selectorNestingMax} levels deep`);
    }
    const members = json as Readonly<Record<string, unknown>>;
    const nodes: SelectorNode[] = [];
    this.#addAnd(nodes, members.and, { at, depth });
    for (const term of termNames) {
      const clause = members[term];
      if (clause === undefined || (term === "exists" && clause === "")) continue;
      this.#countClause();
      try {
        nodes.push(checkClause(term, clause));
      } catch (error) {
        if (!(error instanceof SelectorFault)) throw error;
        const member = error.member === undefined ? term : `${term}.${error.member}`;
        throw invalid(place(at, member), error.message);
      }
    }
    addConjunct(nodes, this.#or(members.or, { at, depth }));
    const negated = this.node(members.not, place(at, "not"), depth + 1);
    if (negated.kind !== "all") nodes.push({ kind: "not", node: negated });
    return group("and", nodes);
  }

  #addAnd(nodes: SelectorNode[], json: unknown, { at, depth }: Level): void {
    for (const [i, item] of items(json, place(at, "and")).entries()) {
      addConjunct(nodes, this.node(item, place(at, `and[${i}]`), depth + 1));
    }
  }

  #or(json: unknown, { at, depth }: Level): SelectorNode {
    const nodes: SelectorNode[] = [];
    for (const [i, item] of items(json, place(at, "or")).entries()) {
      const node = this.node(item, place(at, `or[${i}]`), depth + 1);
      if (node.kind === "or") for (const part of node.nodes) nodes.push(part);
      else nodes.push(node);
    }
    // Alternatives without any clause select nothing in particular: the group is empty.
    return nodes.every(({ kind }) => kind === "all") ? all : group("or", nodes);
  }

  #countClause(): void {
    this.#clauses += 1;
    if (this.#clauses > selectorClausesMax) {
      throw invalid("", `a selector has at most ${selectorClausesMax} clauses`);
    }
  }
}

/** Nested conjunctions say the same as one: they are taken apart. */
function addConjunct(nodes: SelectorNode[], node: SelectorNode): void {
  if (node.kind === "and") for (const part of node.nodes) nodes.push(part);
  else if (node.kind !== "all") nodes.push(node);
}

interface Level {
  readonly at: string;
  readonly depth: number;
}

function items(json: unknown, at: string): readonly unknown[] {
  if (json === undefined) return [];
  if (Array.isArray(json)) return json;
  throw invalid(at, "must be an array of selectors");
}

function group(kind: "and" | "or", nodes: readonly SelectorNode[]): SelectorNode {
  const [first] = nodes;
  if (first === undefined) return all;
  return nodes.length === 1 ? first : { kind, nodes };
}

/** Ways to a member may be a thousand levels long; a message shows the end of one. */
const placeLengthMax = 80;

function place(at: string, member: string): string {
  const whole = at === "" ? member : `${at}.${member}`;
  return whole.length <= placeLengthMax ? whole : `...${whole.slice(-placeLengthMax)}`;
}

function invalid(at: string, message: string): Error {
  return failure("invalid_selector", at === "" ? message : `${at}: ${message}`);
}
