/**
 * The manifest: which segments make up the index, and the cursor they stand for. It is one object,
 * changed by compare-and-swap, so that a publication of several namespaces happens at once.
 */
import type { StoredObject } from "../../../ports/store.ts";

/** A segment of a namespace; `first` and `last` are keys. */
export interface SegmentPlace {
  readonly object: string;
  readonly first: string;
  readonly last: string;
}

export interface NamespaceSegments {
  readonly seq: number;
  readonly updatedAtMs: number;
  /** Without overlaps, in the order of keys. */
  readonly chunks: readonly SegmentPlace[];
  /** Of the publications since the last merge, oldest first; newer ones win. */
  readonly deltas: readonly SegmentPlace[];
}

export interface Manifest {
  readonly format: number;
  /** Unique for each write, to recognise one's own. */
  readonly writeId: string;
  readonly cursor: string;
  /** False while the index is being made from the beginning. */
  readonly complete: boolean;
  readonly namespaces: Readonly<Record<string, NamespaceSegments>>;
  /** Claims of rebuilds: wall time at which they are void. */
  readonly rebuilds: Readonly<Record<string, number>>;
}

export const manifestName = "i/manifest";
const manifestFormat = 1;

export const noSegments: NamespaceSegments = { seq: 0, updatedAtMs: 0, chunks: [], deltas: [] };

export function encodeManifest(manifest: Omit<Manifest, "format">): Uint8Array {
  return Buffer.from(JSON.stringify({ format: manifestFormat, ...manifest }));
}

/** Undefined when it is damaged or of another format: then the index is made anew. */
export function decodeManifest({ bytes }: StoredObject): Manifest | undefined {
  try {
    const manifest = JSON.parse(Buffer.from(bytes).toString("utf8")) as Manifest;
    return manifest.format === manifestFormat ? manifest : undefined;
  } catch {
    return undefined;
  }
}
