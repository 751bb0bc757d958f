/** Checked selectors as the JSON that travels. */
import type { CheckedSelector, Selector, SelectorNode } from "./selector.ts";
import { clauseJson } from "./term-json.ts";

/** The JSON form of a checked selector, in one canonical spelling; `{}` matches everything. */
export function selectorJson({ root }: CheckedSelector): Selector {
  return nodeJson(root);
}

function nodeJson(node: SelectorNode): Selector {
  switch (node.kind) {
    case "all":
      return {};
    case "and":
      return { and: node.nodes.map(nodeJson) };
    case "or":
      return { or: node.nodes.map(nodeJson) };
    case "not":
      return { not: nodeJson(node.node) };
    default:
      return clauseJson(node);
  }
}
