/**
 * The truth of a selector while its clauses become true one by one. A clause that was not met is
 * only false at the end of the document, so that most groups stay open until then.
 */
import type { Clause, SelectorNode } from "../selector/selector.ts";

const open = 0;
const isTrue = 1;
const isFalse = 2;
type Truth = typeof open | typeof isTrue | typeof isFalse;

/** The nodes of a selector as arrays; node 0 is the root. */
export class DecisionTree {
  readonly parents: number[] = [];
  readonly kinds: SelectorNode["kind"][] = [];
  /** Children of groups that must agree before the group does. */
  readonly counts: number[] = [];
  readonly clauses: { readonly node: number; readonly clause: Clause }[] = [];
  /** Nodes that are true of every object. */
  readonly constants: number[] = [];

  constructor(root: SelectorNode) {
    this.#add(root, -1);
  }

  #add(node: SelectorNode, parent: number): void {
    const id = this.kinds.length;
    this.kinds.push(node.kind);
    this.parents.push(parent);
    this.counts.push(0);
    switch (node.kind) {
      case "all":
        this.constants.push(id);
        return;
      case "not":
        this.#add(node.node, id);
        return;
      case "and":
      case "or":
        this.counts[id] = node.nodes.length;
        for (const child of node.nodes) this.#add(child, id);
        return;
      default:
        this.clauses.push({ node: id, clause: node });
    }
  }
}

/** The state of one evaluation. */
export class Decision {
  readonly #tree: DecisionTree;
  readonly #truths: Uint8Array;
  readonly #counts: Int32Array;
  #root: Truth = open;

  constructor(tree: DecisionTree) {
    this.#tree = tree;
    this.#truths = new Uint8Array(tree.kinds.length);
    this.#counts = Int32Array.from(tree.counts);
  }

  reset(): void {
    this.#truths.fill(open);
    this.#counts.set(this.#tree.counts);
    this.#root = open;
  }

  /** True once no further clause can change the answer. */
  get decided(): boolean {
    return this.#root !== open;
  }

  isOpen(node: number): boolean {
    return this.#truths[node] === open;
  }

  /** A clause or a constant is true; what follows for the groups around it follows. */
  setTrue(node: number): void {
    this.#set(node, isTrue);
  }

  /** The document is over: clauses that were not met are false. */
  resolve(): boolean {
    for (const { node } of this.#tree.clauses) {
      if (this.#root !== open) break;
      this.#set(node, isFalse);
    }
    return this.#root === isTrue;
  }

  #set(from: number, value: Truth): void {
    const { parents, kinds } = this.#tree;
    let node = from;
    let truth = value;
    while (this.#truths[node] === open) {
      this.#truths[node] = truth;
      const parent = parents[node] ?? -1;
      if (parent === -1) {
        this.#root = truth;
        return;
      }
      const kind = kinds[parent];
      if (kind === "not") {
        truth = truth === isTrue ? isFalse : isTrue;
      } else if (truth === (kind === "and" ? isTrue : isFalse)) {
        const left = (this.#counts[parent] ?? 0) - 1;
        this.#counts[parent] = left;
        if (left > 0) return;
      }
      node = parent;
    }
  }
}
