/**
 * What all mutations together want of one value, derived lazily from what they want of the value
 * around it: an automaton over paths. One walk over the document then does the work of all
 * mutations, and still gives what applying them one after the other would give.
 */
import { indexOfName } from "../path.ts";
import { type Built, type Outcome, opaqueScalar, replay } from "./built-value.ts";
import { addSteps, type Cursor, type Edit, elementSteps, memberSteps } from "./plan-cursors.ts";

/** Finds or makes the state of a list of cursors (in the order of their edits). */
export type StateMaker = (cursors: readonly Cursor[]) => PlanState;

interface Maker {
  /** Which cursor. */
  readonly cursor: number;
  /** The index that its next name stands for in an array. */
  readonly index: number | undefined;
}

export class PlanState {
  readonly cursors: readonly Cursor[];
  /**
   * First cursor of the first edit that takes the value's place away from the document (set,
   * remove, file); undefined when the document's value stays, maybe changed inside.
   */
  readonly taken: number | undefined;
  /** Some edit may fail here or below. */
  readonly hasAdd: boolean;
  /** The first step on this very value. */
  readonly addHere: Edit | undefined;
  /** Cursors of literal edits that make what is missing below, and where on an array. */
  readonly makers: readonly Maker[];
  readonly #make: StateMaker;
  #byName: Map<string, number[]> | undefined;
  readonly #wild: number[] = [];
  #members: Map<string, PlanState> | undefined;
  #elements: Map<number, PlanState> | undefined;
  #upTo: Map<number, PlanState> | undefined;
  #asMember: Outcome | undefined;
  #asElement: Outcome | undefined;
  #otherMember: PlanState | undefined;
  #otherElement: PlanState | undefined;

  constructor(cursors: readonly Cursor[], make: StateMaker) {
    this.cursors = cursors;
    this.#make = make;
    const makers: Maker[] = [];
    let taker: Edit | undefined;
    let addHere: Edit | undefined;
    let hasAdd = false;
    for (let cursor = 0; cursor < cursors.length; cursor += 1) {
      const { edit, at } = cursors[cursor] as Cursor;
      const isAdd = edit.mutation.kind === "add";
      const segment = edit.path[at];
      hasAdd ||= isAdd;
      if (segment === undefined && isAdd) addHere ??= edit;
      else if (segment === undefined) taker ??= edit;
      else if (edit.literal && edit.mutation.kind !== "remove" && segment.kind === "name") {
        makers.push({ cursor, index: indexOfName(segment.name) });
      }
    }
    this.hasAdd = hasAdd;
    this.addHere = addHere;
    this.makers = makers;
    // Other cursors of the same edit go deeper and find nothing of the document any more.
    this.taken = taker && cursors.findIndex(({ edit }) => edit === taker);
  }

  /** Nothing in here is named by any mutation. */
  get isEmpty(): boolean {
    return this.cursors.length === 0;
  }

  /** True when an array here must be measured before its first element can be written. */
  get needsLength(): boolean {
    return this.makers.some(({ index }) => index !== undefined);
  }

  /** True when a member of this name is wanted by name. */
  names(name: string): boolean {
    return this.#names().has(name);
  }

  /** The state of an object's member. */
  member(name: string): PlanState {
    const named = this.#names().get(name);
    if (named === undefined) return this.otherMember();
    let state = this.#members?.get(name);
    if (state === undefined) {
      state = this.#derive(merged(named, this.#wild), ({ edit, at }) =>
        memberSteps(edit, [at], name),
      );
      this.#members ??= new Map();
      this.#members.set(name, state);
    }
    return state;
  }

  /** The state of a member whose name is known to be wanted by no name. */
  otherMember(): PlanState {
    this.#names();
    this.#otherMember ??= this.#derive(this.#wild, ({ edit, at }) => memberSteps(edit, [at], ""));
    return this.#otherMember;
  }

  /** The state of an array's element. */
  element(index: number): PlanState {
    const named = this.#names().get(String(index));
    if (named === undefined) {
      this.#otherElement ??= this.#derive(this.#wild, ({ edit, at }) =>
        elementSteps(edit, at, undefined),
      );
      return this.#otherElement;
    }
    let state = this.#elements?.get(index);
    if (state === undefined) {
      state = this.#derive(merged(named, this.#wild), ({ edit, at }) =>
        elementSteps(edit, at, index),
      );
      this.#elements ??= new Map();
      this.#elements.set(index, state);
    }
    return state;
  }

  /** The edits in front of cursor `end`. */
  upTo(end: number): PlanState {
    let state = this.#upTo?.get(end);
    if (state === undefined) {
      state = this.#make(this.cursors.slice(0, end));
      this.#upTo ??= new Map();
      this.#upTo.set(end, state);
    }
    return state;
  }

  /** What stands in the value's place once the edit that takes it and those behind it are done. */
  outcome(isElement: boolean): Outcome {
    if (isElement) {
      this.#asElement ??= this.#outcome(true);
      return this.#asElement;
    }
    this.#asMember ??= this.#outcome(false);
    return this.#asMember;
  }

  #outcome(isElement: boolean): Outcome {
    return replay(this.cursors.slice(this.taken ?? 0), opaqueScalar, isElement);
  }

  /**
   * The cursor whose edit turns an array of `length` elements into an object; undefined when the
   * array stays one. Beyond its end there is nothing to change, only something to make.
   */
  turning(length: number): number | undefined {
    const turns = ({ index }: Maker): boolean => index === undefined || index >= length;
    return this.makers.find(turns)?.cursor;
  }

  /** The object that takes an array's place from cursor `from` on. */
  turned(from: number): Built | undefined {
    return replay(this.cursors.slice(from), new Map()).value;
  }

  /** Forgets derived states, so that they may be freed. */
  forget(): void {
    this.#members = undefined;
    this.#elements = undefined;
    this.#upTo = undefined;
    this.#otherMember = undefined;
    this.#otherElement = undefined;
  }

  #names(): ReadonlyMap<string, number[]> {
    if (this.#byName !== undefined) return this.#byName;
    const byName = new Map<string, number[]>();
    for (const [index, { edit, at }] of this.cursors.entries()) {
      const segment = edit.path[at];
      if (segment === undefined) continue;
      if (segment.kind !== "name") this.#wild.push(index);
      else if (byName.get(segment.name)?.push(index) === undefined) {
        byName.set(segment.name, [index]);
      }
    }
    this.#byName = byName;
    return byName;
  }

  #derive(indexes: readonly number[], steps: (cursor: Cursor) => number[]): PlanState {
    const cursors: Cursor[] = [];
    for (const index of indexes) {
      const cursor = this.cursors[index] as Cursor;
      const { edit } = cursor;
      for (const at of steps(cursor)) {
        if (!endsWith(cursors, edit, at)) cursors.push({ edit, at });
      }
    }
    return this.#make(cursors);
  }
}

/** True when the cursor stands among those of its edit, which are the last ones. */
function endsWith(cursors: readonly Cursor[], edit: Edit, at: number): boolean {
  for (let last = cursors.length - 1; cursors[last]?.edit === edit; last -= 1) {
    if (cursors[last]?.at === at) return true;
  }
  return false;
}

/** Two ascending lists as one. */
function merged(a: readonly number[], b: readonly number[]): number[] {
  return b.length === 0 ? [...a] : [...a, ...b].sort((one, other) => one - other);
}

/** The cursors of an edit at the root, which itself is never a target. */
export function rootCursors(edit: Edit): Cursor[] {
  const positions: number[] = [];
  addSteps(positions, edit, 0);
  return positions.filter((at) => at < edit.path.length).map((at) => ({ edit, at }));
}
