/**
 * Places: what all paths of a selector together say about one value of a document. A place is a set
 * of path nodes; the places of members and elements follow from it and are derived when they are
 * first met, so that a document costs one look-up a member whatever the number of clauses.
 */
import { indexOfName } from "../path.ts";
import type { ClauseTest } from "./clause-test.ts";
import { namesComparedMax, placeWeightMax } from "./limits.ts";
import type { PathNode, PathTree, PlacedTest } from "./path-tree.ts";

interface NamedMember {
  readonly name: string;
  /** Undefined when the name has no UTF-8; then only an escaped name can be it. */
  readonly bytes: Uint8Array | undefined;
  place: Place | undefined;
}

/** Most places have no tests and no names: they share these. */
const noTests: readonly PlacedTest[] = [];
const noMembers: readonly NamedMember[] = [];

export class Place {
  readonly nodes: readonly PathNode[];
  readonly strings: readonly PlacedTest[];
  readonly numbers: readonly PlacedTest[];
  readonly booleans: readonly PlacedTest[];
  readonly nulls: readonly PlacedTest[];
  readonly containers: readonly PlacedTest[];
  /** Whether any path goes on below an object or an array here. */
  readonly entersObjects: boolean;
  readonly entersArrays: boolean;
  readonly #table: PlaceTable;
  readonly #members: readonly NamedMember[];
  readonly #memberOf: ReadonlyMap<string, NamedMember> | undefined;
  readonly #indexes: ReadonlyMap<number, string> | undefined;
  #otherMember: Place | undefined;
  #otherElement: Place | undefined;
  #elements: Map<number, Place> | undefined;

  constructor(table: PlaceTable, nodes: readonly PathNode[]) {
    this.#table = table;
    this.nodes = nodes;
    const tests = nodes.some((node) => node.tests.length > 0)
      ? nodes.flatMap((node) => node.tests)
      : noTests;
    const testsOf = (part: keyof ClauseTest): readonly PlacedTest[] =>
      tests.length === 0 ? noTests : tests.filter((test) => test[part] !== undefined);
    this.strings = testsOf("string");
    this.numbers = testsOf("number");
    this.booleans = testsOf("boolean");
    this.nulls = testsOf("null");
    this.containers = testsOf("container");
    this.#memberOf = namedMembers(nodes);
    this.#members = this.#memberOf === undefined ? noMembers : [...this.#memberOf.values()];
    this.#indexes = indexesOf(this.#members);
    const anyChild = nodes.some(({ sticky, children }) => sticky || children !== undefined);
    this.entersObjects =
      anyChild || this.#members.length > 0 || nodes.some(({ members }) => members !== undefined);
    this.entersArrays =
      anyChild ||
      this.#indexes !== undefined ||
      nodes.some(({ elements }) => elements !== undefined);
  }

  /** How much memory it holds, in names, path steps and tests. */
  get weight(): number {
    return 1 + this.nodes.length + this.#members.length + this.strings.length;
  }

  /** True when names must be decoded to be looked up. */
  get decodesNames(): boolean {
    return this.#members.length > namesComparedMax;
  }

  /** The place of the member whose name has no escapes and stands in `bytes[from, to)`. */
  memberAt(bytes: Uint8Array, from: number, to: number): Place {
    const length = to - from;
    for (const member of this.#members) {
      const name = member.bytes;
      if (name === undefined || name.length !== length) continue;
      let i = 0;
      while (i < length && bytes[from + i] === name[i]) i += 1;
      if (i === length) return this.#named(member);
    }
    return this.otherMember();
  }

  member(name: string): Place {
    const member = this.#memberOf?.get(name);
    return member === undefined ? this.otherMember() : this.#named(member);
  }

  #named(member: NamedMember): Place {
    member.place ??= this.#table.derive(this.nodes, (node, add) => {
      addIf(add, node.members);
      addIf(add, node.names?.get(member.name));
    });
    return member.place;
  }

  /** The place of members that no path names. */
  otherMember(): Place {
    this.#otherMember ??= this.#table.derive(this.nodes, (node, add) => addIf(add, node.members));
    return this.#otherMember;
  }

  element(index: number): Place {
    const name = this.#indexes?.get(index);
    if (name === undefined) {
      this.#otherElement ??= this.#table.derive(this.nodes, (node, add) =>
        addIf(add, node.elements),
      );
      return this.#otherElement;
    }
    this.#elements ??= new Map();
    const known = this.#elements.get(index);
    if (known !== undefined) return known;
    const place = this.#table.derive(this.nodes, (node, add) => {
      addIf(add, node.elements);
      addIf(add, node.names?.get(name));
    });
    this.#elements.set(index, place);
    return place;
  }

  /** Lets go of the places that were derived from this one. */
  forget(): void {
    for (const member of this.#members) member.place = undefined;
    this.#elements = undefined;
    this.#otherMember = undefined;
    this.#otherElement = undefined;
  }
}

function namedMembers(nodes: readonly PathNode[]): Map<string, NamedMember> | undefined {
  let members: Map<string, NamedMember> | undefined;
  for (const node of nodes) {
    if (node.names === undefined) continue;
    for (const [name, { utf8 }] of node.names) {
      members ??= new Map();
      if (!members.has(name)) members.set(name, { name, bytes: utf8, place: undefined });
    }
  }
  return members;
}

/** The names that also stand for elements, by index. */
function indexesOf(members: readonly NamedMember[]): Map<number, string> | undefined {
  let indexes: Map<number, string> | undefined;
  for (const { name } of members) {
    const index = indexOfName(name);
    if (index === undefined) continue;
    indexes ??= new Map();
    indexes.set(index, name);
  }
  return indexes;
}

type Add = (node: PathNode) => void;

function addIf(add: Add, node: PathNode | undefined): void {
  if (node !== undefined) add(node);
}

/** All places derived so far, each set of path nodes once. */
export class PlaceTable {
  readonly root: Place;
  readonly #places = new Map<string, Place>();
  #weight = 0;

  constructor(tree: PathTree) {
    this.root = this.derive([], () => {}, tree.root);
  }

  /** The place of a child: where `step` leads from each node, and what goes on by itself. */
  derive(
    nodes: readonly PathNode[],
    step: (node: PathNode, add: Add) => void,
    start?: PathNode,
  ): Place {
    const reached = new Map<number, PathNode>();
    const add = (node: PathNode): void => {
      let next: PathNode | undefined = node;
      while (next !== undefined && !reached.has(next.id)) {
        reached.set(next.id, next);
        next = next.descendants;
      }
    };
    if (start !== undefined) add(start);
    for (const node of nodes) {
      if (node.sticky) add(node);
      addIf(add, node.children);
      step(node, add);
    }
    const found = [...reached.values()].sort((a, b) => a.id - b.id);
    const key = found.map(({ id }) => id).join(" ");
    const known = this.#places.get(key);
    return known ?? this.#keep(key, new Place(this, found));
  }

  /** Selectors with several `...` may have very many places: a full table starts over. */
  #keep(key: string, place: Place): Place {
    this.#weight += place.weight;
    if (this.#weight > placeWeightMax) {
      for (const old of this.#places.values()) old.forget();
      this.#places.clear();
      this.#weight = place.weight;
    }
    this.#places.set(key, place);
    return place;
  }
}
