/**
 * The rules of section 7.4 written down plainly: a document as a tree that keeps every spelling,
 * and mutations carried out one after the other, each on the whole tree. Of duplicate members a
 * path means all.
 */
import type { Mutation } from "../../../src/lql/mutation/mutation.ts";
import type { PathSegment } from "../../../src/lql/path.ts";

type Member = { name: string; value: Tree };
export type Tree =
  | { kind: "object"; members: Member[] }
  | { kind: "array"; elements: Tree[] }
  | { kind: "scalar"; text: string };

export class StepOnNoNumber extends Error {}

/** Compact JSON only. */
export function parseTree(text: string): Tree {
  let at = 0;
  const stringEnd = (): number => {
    let end = at + 1;
    while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    return end + 1;
  };
  const take = (end: number): string => {
    const taken = text.slice(at, end);
    at = end;
    return taken;
  };
  const value = (): Tree => {
    if (text[at] === "{") {
      const members: Member[] = [];
      at += 1;
      while (text[at] !== "}") {
        if (text[at] === ",") at += 1;
        const name = take(stringEnd());
        at += 1;
        members.push({ name, value: value() });
      }
      at += 1;
      return { kind: "object", members };
    }
    if (text[at] === "[") {
      const elements: Tree[] = [];
      at += 1;
      while (text[at] !== "]") {
        if (text[at] === ",") at += 1;
        elements.push(value());
      }
      at += 1;
      return { kind: "array", elements };
    }
    if (text[at] === '"') return { kind: "scalar", text: take(stringEnd()) };
    let end = at;
    while (end < text.length && !",]}".includes(text[end] ?? "")) end += 1;
    return { kind: "scalar", text: take(end) };
  };
  return value();
}

export function printTree(tree: Tree): string {
  if (tree.kind === "scalar") return tree.text;
  if (tree.kind === "array") return `[${tree.elements.map(printTree).join(",")}]`;
  return `{${tree.members.map((m) => `${m.name}:${printTree(m.value)}`).join(",")}}`;
}

export function applyReference(text: string, mutations: readonly Mutation[]): string {
  let root = parseTree(text);
  for (const mutation of mutations) {
    const wild = mutation.path.some(({ kind }) => kind !== "name");
    root =
      (wild ? changeFound(root, mutation) : changeLiteral(root, mutation.path, mutation)) ?? root;
  }
  return printTree(root);
}

function act(value: Tree | undefined, mutation: Mutation): Tree | undefined {
  if (mutation.kind === "remove") return undefined;
  if (mutation.kind === "set") return { kind: "scalar", text: mutation.json };
  if (mutation.kind === "file") throw new Error("no files here");
  const current = value ?? { kind: "scalar", text: "0" };
  if (current.kind !== "scalar" || !/^[-\d]/.test(current.text)) throw new StepOnNoNumber();
  return { kind: "scalar", text: sum(current.text, mutation.delta) };
}

function sum(a: string, b: string): string {
  if (/^-?\d+$/.test(a) && /^-?\d+$/.test(b)) return String(BigInt(a) + BigInt(b));
  const total = Number(a) + Number(b);
  return Math.abs(total - Math.round(total)) <= 1e-9
    ? String(Math.round(total) + 0)
    : String(total);
}

function changeLiteral(
  value: Tree | undefined,
  [segment, ...rest]: readonly PathSegment[],
  mutation: Mutation,
): Tree | undefined {
  if (segment === undefined) return act(value, mutation);
  if (segment.kind !== "name") throw new Error("a literal path was expected");
  const { name } = segment;
  if (value?.kind === "array") {
    const index = /^(0|[1-9]\d*)$/.test(name) ? Number(name) : Number.NaN;
    const element = value.elements[index];
    if (element !== undefined) {
      const changed = changeLiteral(element, rest, mutation);
      value.elements[index] = changed ?? { kind: "scalar", text: "null" };
      return value;
    }
  }
  if (mutation.kind === "remove" && value?.kind !== "object") return value;
  const object: Tree = value?.kind === "object" ? value : { kind: "object", members: [] };
  const found = object.members.filter((member) => JSON.parse(member.name) === name);
  for (const member of found) {
    const changed = changeLiteral(member.value, rest, mutation);
    if (changed === undefined) object.members.splice(object.members.indexOf(member), 1);
    else member.value = changed;
  }
  if (found.length === 0) {
    const made = changeLiteral(undefined, rest, mutation);
    if (made !== undefined) object.members.push({ name: JSON.stringify(name), value: made });
  }
  return object;
}

/** All places first, then the changes: what lies inside a place that was taken is gone with it. */
function changeFound(root: Tree, mutation: Mutation): Tree {
  const visit = (value: Tree, trails: readonly (readonly PathSegment[])[], isRoot: boolean) => {
    const open = new Set<readonly PathSegment[]>();
    const queue = [...trails];
    for (let trail = queue.pop(); trail !== undefined; trail = queue.pop()) {
      open.add(trail);
      if (trail[0]?.kind === "descendants") queue.push(trail.slice(1));
    }
    if (!isRoot && [...open].some((trail) => trail.length === 0)) return act(value, mutation);
    if (value.kind === "object") {
      for (const member of [...value.members]) {
        const name = JSON.parse(member.name) as string;
        const below = next(open, (segment) => {
          if (segment.kind === "name") return segment.name === name;
          return segment.kind === "members" || segment.kind === "children";
        });
        const changed = visit(member.value, below, false);
        if (changed === undefined) value.members.splice(value.members.indexOf(member), 1);
        else member.value = changed;
      }
    } else if (value.kind === "array") {
      value.elements = value.elements.map((element, index) => {
        const below = next(open, (segment) => {
          if (segment.kind === "name") return segment.name === String(index);
          return segment.kind === "elements" || segment.kind === "children";
        });
        return visit(element, below, false) ?? { kind: "scalar", text: "null" };
      });
    }
    return value;
  };
  return visit(root, [mutation.path], true) ?? root;
}

function next(
  open: ReadonlySet<readonly PathSegment[]>,
  matches: (segment: PathSegment) => boolean,
): (readonly PathSegment[])[] {
  return [...open].flatMap((trail) => {
    const [segment] = trail;
    if (segment === undefined) return [];
    if (segment.kind === "descendants") return [trail];
    return matches(segment) ? [trail.slice(1)] : [];
  });
}
