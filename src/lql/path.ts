/**
 * Pointer paths of selectors and mutations (query-and-lql.md section 2): RFC 6901 pointers with
 * wildcard segments. Pure text work; what a path yields in a document is decided by its users.
 */

export type PathSegment =
  /** A member of an object, or, when decimal, an element of an array. */
  | { readonly kind: "name"; readonly name: string }
  /** `*`: every member value of an object. */
  | { readonly kind: "members" }
  /** `[]`: every element of an array. */
  | { readonly kind: "elements" }
  /** `**`: every direct child of an object or array. */
  | { readonly kind: "children" }
  /** `...`: the value itself and every value below it. */
  | { readonly kind: "descendants" };

export type Path = readonly PathSegment[];

/** Segments of a path at most; deeper documents cannot be reached by longer ones anyway. */
export const pathSegmentsMax = 10_000;

const wildcards: Readonly<Record<string, PathSegment>> = {
  "*": { kind: "members" },
  "[]": { kind: "elements" },
  "**": { kind: "children" },
  "...": { kind: "descendants" },
};

const decimalIndex = /^(0|[1-9][0-9]*)$/;

/**
 * The segments of a path; `[]` for the root (`""` or `/`). Undefined when the text is no path: it
 * does not begin with `/`, or has too many segments.
 *
 * @example parsePath("/items[]/a~1b") // name items, elements, name "a/b"
 */
export function parsePath(text: string): Path | undefined {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "/") return [];
  if (!trimmed.startsWith("/")) return undefined;
  const path: PathSegment[] = [];
  for (const token of trimmed.slice(1).split("/")) {
    addSegments(path, token);
    if (path.length > pathSegmentsMax) return undefined;
  }
  return path;
}

function addSegments(path: PathSegment[], token: string): void {
  const wildcard = Object.hasOwn(wildcards, token) ? wildcards[token] : undefined;
  if (wildcard !== undefined) {
    path.push(wildcard);
    return;
  }
  let nameEnd = token.length;
  while (nameEnd >= 2 && token.startsWith("[]", nameEnd - 2)) nameEnd -= 2;
  const elements = (token.length - nameEnd) / 2;
  const front = token.slice(0, nameEnd);
  // "[][]" has no name in front: it is elements of elements; "*[]" has a wildcard there.
  if (Object.hasOwn(wildcards, front)) addSegments(path, front);
  else if (nameEnd > 0 || elements === 0) path.push({ kind: "name", name: unescapeToken(front) });
  for (let i = 0; i < elements; i += 1) path.push({ kind: "elements" });
}

/** `~1` and `~0`, once, from left to right; any other tilde stays. */
function unescapeToken(token: string): string {
  return token.includes("~")
    ? token.replace(/~[01]/g, (escaped) => (escaped === "~1" ? "/" : "~"))
    : token;
}

/** The text of a path; the inverse of {@link parsePath} up to sugar. */
export function printPath(path: Path): string {
  return path.length === 0 ? "/" : path.map((segment) => `/${printSegment(segment)}`).join("");
}

function printSegment(segment: PathSegment): string {
  switch (segment.kind) {
    case "name":
      return segment.name.replaceAll("~", "~0").replaceAll("/", "~1");
    case "members":
      return "*";
    case "elements":
      return "[]";
    case "children":
      return "**";
    case "descendants":
      return "...";
  }
}

/** The array index a name stands for, or undefined; indexes beyond 2^53 reach nothing. */
export function indexOfName(name: string): number | undefined {
  if (!decimalIndex.test(name)) return undefined;
  const index = Number(name);
  return Number.isSafeInteger(index) ? index : undefined;
}

/** True when the path may yield more than one value, or names no single place. */
export function hasWildcard(path: Path): boolean {
  return path.some((segment) => segment.kind !== "name");
}
