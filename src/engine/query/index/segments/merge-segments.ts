import { type Segment, SegmentBuilder, type SegmentDocument } from "./segment.ts";

/** Documents, and about how many bytes, of one chunk at most: what a query holds at a time. */
export const chunkDocumentsMax = 1_024;
export const chunkWeightMax = 4 * 1024 * 1024;

/** A document and the segment it is from. */
export interface PlacedDocument {
  readonly document: SegmentDocument;
  readonly segment: Segment;
}

/** The newest word on every key, oldest segment first, in the order of the keys. */
export function newestDocuments(segments: readonly Segment[]): PlacedDocument[] {
  const newest = new Map<string, PlacedDocument>();
  for (const segment of segments) {
    for (const document of segment.documents) newest.set(document.key, { document, segment });
  }
  return [...newest.values()].sort((one, other) =>
    one.document.key < other.document.key ? -1 : 1,
  );
}

/** A chunk and what is newer, in chunks that keep the limits; keys that are gone are left out. */
export function mergeChunk(
  chunk: Segment | undefined,
  newer: readonly PlacedDocument[],
): SegmentBuilder[] {
  const merged: SegmentBuilder[] = [];
  let builder = new SegmentBuilder();
  for (const { document, segment } of inOrder(chunk, newer)) {
    if (document.content === undefined) continue;
    if (builder.documents.length === chunkDocumentsMax || builder.weight > chunkWeightMax) {
      merged.push(builder);
      builder = new SegmentBuilder();
    }
    builder.addFrom(document, segment.paths);
  }
  return builder.documents.length > 0 ? [...merged, builder] : merged;
}

/** Both in the order of keys; where both know a key, the newer counts. */
export function* inOrder(
  chunk: Segment | undefined,
  newer: readonly PlacedDocument[],
): Generator<PlacedDocument> {
  let at = 0;
  if (chunk !== undefined) {
    for (const document of chunk.documents) {
      for (let next = newer[at]; next !== undefined; next = newer[at]) {
        if (next.document.key >= document.key) break;
        at += 1;
        yield next;
      }
      if (newer[at]?.document.key !== document.key) yield { document, segment: chunk };
    }
  }
  yield* newer.slice(at);
}
