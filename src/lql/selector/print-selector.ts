/** Checked selectors as text (query-and-lql.md section 3). */
import { printClause } from "./print-clause.ts";
import type { CheckedSelector, Clause, InClause, SelectorNode, TextClause } from "./selector.ts";

/**
 * The text form of a selector, in one canonical spelling: printing what a print parses to gives the
 * same text again. "" matches everything.
 */
export function printSelector({ root }: CheckedSelector): string {
  const node = writable(root);
  if (node.kind === "all") return "";
  const expressions: string[] = [];
  if (node.kind === "and" || node.kind === "or") {
    for (const [i, child] of node.nodes.entries()) {
      // Without a link, "and" is implied; without an index, the next slot is taken: this one.
      const link = node.kind === "or" ? "or." : "";
      addExpressions(expressions, child, isSingle(child) ? link : `${node.kind}.${i}.`);
    }
  } else {
    addExpressions(expressions, node, isSingle(node) ? "" : "and.0.");
  }
  return expressions.join(",");
}

/** True when a node is one clause behind any number of `not`: one expression without slots. */
function isSingle(node: SelectorNode): boolean {
  let inner = node;
  while (inner.kind === "not") inner = inner.node;
  return inner.kind !== "and" && inner.kind !== "or";
}

function addExpressions(expressions: string[], node: SelectorNode, prefix: string): void {
  switch (node.kind) {
    case "all":
      // True for every object, which is all that a selector with another clause can match.
      expressions.push(`${prefix}exists{/}`);
      return;
    case "and":
    case "or":
      for (const [i, child] of node.nodes.entries()) {
        addExpressions(expressions, child, `${prefix}${node.kind}.${i}.`);
      }
      return;
    case "not":
      addExpressions(expressions, node.node, `${prefix}not.`);
      return;
    default:
      expressions.push(printClause(node, prefix));
  }
}

/** The node with its lists rewritten so that the text form can hold them. */
function writable(node: SelectorNode): SelectorNode {
  switch (node.kind) {
    case "and":
    case "or": {
      const nodes = node.nodes.flatMap((child) => {
        const inner = writable(child);
        return inner.kind === node.kind ? inner.nodes : [inner];
      });
      return { kind: node.kind, nodes };
    }
    case "not":
      return { kind: "not", node: writable(node.node) };
    case "in":
      return node.any.every(fitsList) ? node : splitIn(node, node.any);
    case "contains":
      return node.any === undefined || node.any.every(fitsList) ? node : splitAny(node, node.any);
    default:
      return node;
  }
}

/** `a|b` lists are cut at the bar and trimmed. */
function fitsList(item: string): boolean {
  return !item.includes("|") && item.trim() === item;
}

/** `eq` says the same of such a text: it is no number, no boolean and no time. */
function splitIn(clause: InClause, any: readonly string[]): SelectorNode {
  const { field, path } = clause;
  const fitting = any.filter(fitsList);
  // The root has no text, so that nothing is in the list, whatever it holds; eq is not allowed.
  if (path.length === 0) return { ...clause, any: ["-"] };
  const others = any.filter((item) => !fitsList(item));
  return alternatives(fitting.length === 0 ? undefined : { ...clause, any: fitting }, [
    ...others.map((value): Clause => ({ kind: "eq", field, path, value })),
  ]);
}

function splitAny(clause: TextClause, any: readonly string[]): SelectorNode {
  const fitting = any.filter(fitsList);
  const others = any.filter((item) => !fitsList(item));
  return alternatives(fitting.length === 0 ? undefined : { ...clause, any: fitting }, [
    ...others.map((value): Clause => ({ ...clause, any: undefined, value })),
  ]);
}

function alternatives(first: Clause | undefined, others: readonly Clause[]): SelectorNode {
  const nodes = first === undefined ? others : [first, ...others];
  const [single] = nodes;
  return nodes.length === 1 && single !== undefined ? single : { kind: "or", nodes };
}
