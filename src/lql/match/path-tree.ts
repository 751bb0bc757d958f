/** The paths of a selector as one tree: common beginnings are walked once. */
import type { Path } from "../path.ts";
import type { ClauseTest } from "./clause-test.ts";
import { termOfText } from "./scalar-value.ts";

/** A clause's test with the node of its truth. */
export interface PlacedTest extends ClauseTest {
  readonly node: number;
}

/** A point that paths have reached; `id` is unique in its tree. */
export interface PathNode {
  readonly id: number;
  /** Behind `...`: once reached, every value below is here too. */
  readonly sticky: boolean;
  /** The name that leads here, for comparing bytes. */
  readonly utf8: Uint8Array | undefined;
  names: Map<string, PathNode> | undefined;
  members: PathNode | undefined;
  elements: PathNode | undefined;
  children: PathNode | undefined;
  descendants: PathNode | undefined;
  /** Clauses whose path ends here. */
  readonly tests: PlacedTest[];
}

export class PathTree {
  readonly root: PathNode;
  #nodes = 0;

  constructor() {
    this.root = this.#node(false);
  }

  add(path: Path, test: PlacedTest): void {
    let node = this.root;
    for (const segment of path) {
      switch (segment.kind) {
        case "name": {
          node.names ??= new Map();
          const next = node.names.get(segment.name) ?? this.#node(false, segment.name);
          node.names.set(segment.name, next);
          node = next;
          break;
        }
        case "descendants":
          node.descendants ??= this.#node(true);
          node = node.descendants;
          break;
        default:
          node[segment.kind] ??= this.#node(false);
          node = node[segment.kind] ?? node;
      }
    }
    node.tests.push(test);
  }

  #node(sticky: boolean, name?: string): PathNode {
    this.#nodes += 1;
    return {
      id: this.#nodes,
      sticky,
      utf8: name === undefined ? undefined : termOfText(name).bytes,
      names: undefined,
      members: undefined,
      elements: undefined,
      children: undefined,
      descendants: undefined,
      tests: [],
    };
  }
}
