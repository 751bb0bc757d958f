/**
 * What an index can use of a selector: the clauses that a matching document must satisfy. Negated
 * clauses narrow nothing, because a document that an index does not know satisfies them too.
 */
import type { CheckedSelector, Clause, SelectorNode } from "./selector.ts";

/** A necessary condition of a match; `any` asks nothing: every document is a candidate. */
export type Narrowing =
  | { readonly kind: "any" }
  | { readonly kind: "clause"; readonly clause: Clause }
  | { readonly kind: "every"; readonly of: readonly Narrowing[] }
  | { readonly kind: "some"; readonly of: readonly Narrowing[] };

const any: Narrowing = { kind: "any" };

/** The condition by which candidates may be looked up; each is still to be matched. */
export function narrowingOf({ root }: CheckedSelector): Narrowing {
  return narrow(root, false);
}

function narrow(node: SelectorNode, negated: boolean): Narrowing {
  switch (node.kind) {
    case "all":
      return any;
    case "not":
      return narrow(node.node, !negated);
    case "and":
    case "or": {
      const parts = node.nodes.map((child) => narrow(child, negated));
      return (node.kind === "and") !== negated ? every(parts) : some(parts);
    }
    default:
      return negated ? any : { kind: "clause", clause: node };
  }
}

function every(parts: readonly Narrowing[]): Narrowing {
  const of = parts.filter(({ kind }) => kind !== "any");
  const [first] = of;
  if (first === undefined) return any;
  return of.length === 1 ? first : { kind: "every", of };
}

function some(parts: readonly Narrowing[]): Narrowing {
  return parts.some(({ kind }) => kind === "any") ? any : { kind: "some", of: parts };
}
