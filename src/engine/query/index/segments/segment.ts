/** A segment: documents of one namespace in the order of keys, with their terms; immutable. */
import type { Parts } from "../document-terms.ts";
import { elementStep, type PathBook, type PathLookup } from "../path-book.ts";
import type { Term } from "../term.ts";

/** What a segment says of a key. */
export interface SegmentDocument {
  readonly key: string;
  /** Undefined: the key is not to be found (any more). */
  readonly content: DocumentContent | undefined;
}

export type DocumentContent =
  | { readonly kind: "always" }
  | { readonly kind: "terms"; readonly terms: readonly Term[]; readonly parts: Parts | undefined };

export const segmentRoot = 0;

/** The paths of one segment. */
export class SegmentPaths implements PathBook, PathLookup {
  /** Parent and step of each path but the root, in the order of their ids. */
  readonly #steps: (readonly [number, string])[] = [];
  readonly #children: Map<string, number>[] = [new Map()];

  static of(steps: readonly (readonly [number, string])[]): SegmentPaths {
    const paths = new SegmentPaths();
    for (const [parent, step] of steps) paths.child(parent, step);
    return paths;
  }

  get steps(): readonly (readonly [number, string])[] {
    return this.#steps;
  }

  child(path: number, step: string): number {
    const known = this.find(path, step);
    if (known !== undefined) return known;
    this.#steps.push([path, step]);
    this.#children.push(new Map());
    this.#children[path]?.set(step, this.#steps.length);
    return this.#steps.length;
  }

  find(path: number, step: string): number | undefined {
    return this.#children[path]?.get(step);
  }

  children(path: number, limit: number): { step: string; id: number }[] | undefined {
    const children = this.#children[path] ?? new Map<string, number>();
    if (children.size > limit) return undefined;
    return [...children].map(([step, id]) => ({ step, id }));
  }
}

export interface Segment {
  readonly paths: SegmentPaths;
  /** In the order of their keys, each key once. */
  readonly documents: readonly SegmentDocument[];
}

/** Collects documents of other segments; paths get new ids. */
export class SegmentBuilder {
  readonly paths = new SegmentPaths();
  readonly documents: SegmentDocument[] = [];
  readonly #renamed = new Map<SegmentPaths, Map<number, number>>();
  /** About how much memory it takes. */
  weight = 0;

  add(document: SegmentDocument): void {
    this.documents.push(document);
    this.weight += weightOf(document);
  }

  addFrom({ key, content }: SegmentDocument, paths: SegmentPaths): void {
    if (content?.kind === "terms") {
      const terms = content.terms.map(
        ([path, kind, value]): Term => [this.#rename(path, paths), kind, value],
      );
      this.add({ key, content: { ...content, terms } });
    } else this.add({ key, content });
  }

  #rename(path: number, paths: SegmentPaths): number {
    if (path === segmentRoot) return segmentRoot;
    let known = this.#renamed.get(paths);
    if (known === undefined) {
      known = new Map();
      this.#renamed.set(paths, known);
    }
    const renamed = known.get(path);
    if (renamed !== undefined) return renamed;
    const [parent, step] = paths.steps[path - 1] ?? [segmentRoot, elementStep];
    const id = this.paths.child(this.#rename(parent, paths), step);
    known.set(path, id);
    return id;
  }
}

function weightOf({ key, content }: SegmentDocument): number {
  const base = key.length + 64;
  if (content?.kind !== "terms") return base;
  return base + content.terms.length * 64 + partsLength(content.parts);
}

function partsLength(parts: Parts | undefined): number {
  return parts === undefined ? 0 : parts.short.length + parts.long.length;
}

/** JSON: steps of paths, then of each document key, terms (0: always, null: none) and parts. */
type SegmentText = readonly [
  steps: readonly (readonly [number, string])[],
  documents: readonly (readonly [string, readonly Term[] | 0 | null, Parts | null])[],
];

export function encodeSegment({ paths, documents }: Segment): Uint8Array {
  const rows = documents.map(({ key, content }) => {
    if (content === undefined) return [key, null, null] as const;
    if (content.kind === "always") return [key, 0, null] as const;
    return [key, content.terms, content.parts ?? null] as const;
  });
  const text: SegmentText = [paths.steps, rows];
  return Buffer.from(JSON.stringify(text));
}

export function decodeSegment(bytes: Uint8Array): Segment {
  const [steps, rows] = JSON.parse(Buffer.from(bytes).toString("utf8")) as SegmentText;
  const documents = rows.map(([key, terms, parts]): SegmentDocument => {
    if (terms === null) return { key, content: undefined };
    if (terms === 0) return { key, content: { kind: "always" } };
    return { key, content: { kind: "terms", terms, parts: parts ?? undefined } };
  });
  return { paths: SegmentPaths.of(steps), documents };
}
