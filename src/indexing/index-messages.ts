/** What the index's thread is asked, and its answers. */
import type { StoreFailureKind, VersionTag } from "../engine/ports/store.ts";
import type { BatchOutcome, RecordBatch } from "../engine/ports/term-store.ts";

/** Records as they travel: their bytes one behind the other, handed over without a copy. */
export interface PackedRecords {
  readonly bytes: ArrayBuffer;
  /** Name, tag and length of each. */
  readonly entries: readonly (readonly [name: string, tag: VersionTag, length: number])[];
}

export type PackedBatch = Omit<RecordBatch, "records"> & { readonly packed: PackedRecords };

export type IndexRequest =
  | { readonly kind: "cursor" }
  | { readonly kind: "apply"; readonly batch: PackedBatch }
  | { readonly kind: "renew" }
  | {
      readonly kind: "claim";
      readonly namespace: string;
      readonly nowMs: number;
      readonly untilMs: number;
    }
  | { readonly kind: "endRebuild"; readonly namespace: string }
  | { readonly kind: "stop" };

/** The value depends on the request; undefined where there is nothing to say. */
export type IndexAnswer =
  | { readonly kind: "done"; readonly value: string | BatchOutcome | boolean | undefined }
  | { readonly kind: "failed"; readonly why: StoreFailureKind; readonly message: string };

export interface NumberedRequest {
  readonly id: number;
  readonly request: IndexRequest;
}

export interface NumberedAnswer {
  readonly id: number;
  readonly answer: IndexAnswer;
}

export function packRecords(records: RecordBatch["records"]): PackedRecords {
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + record.bytes.length, 0));
  let at = 0;
  const entries = records.map(({ name, tag, bytes: own }) => {
    bytes.set(own, at);
    at += own.length;
    return [name, tag, own.length] as const;
  });
  return { bytes: bytes.buffer, entries };
}

export function unpackRecords({ bytes, entries }: PackedRecords): RecordBatch["records"] {
  let at = 0;
  return entries.map(([name, tag, length]) => {
    const own = new Uint8Array(bytes, at, length);
    at += length;
    return { name, tag, bytes: own };
  });
}
