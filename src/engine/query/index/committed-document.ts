import { changesPrefix, type NamedObject, type ObjectStream } from "../../ports/store.ts";
import { decodeRecord } from "../../record/record-codec.ts";
import { documentTerms, type Extraction } from "./document-terms.ts";
import { documentBytesIndexedMax } from "./limits.ts";
import type { PathBook } from "./path-book.ts";

/** Opens a state that is an object of its own. */
export type OpenState = (name: string) => Promise<ObjectStream | undefined>;

/** What a record publishes. */
export interface CommittedDocument {
  readonly namespace: string;
  readonly key: string;
  /** Equal stamps, equal documents; undefined when queries must not find the key at all. */
  readonly stamp: string | undefined;
  /** The terms of the document as it is now; `always` when it cannot be read. */
  terms(root: number, book: PathBook): Promise<Extraction>;
}

const always: Extraction = { kind: "always" };

/** What a record publishes; undefined for an object that is no record of a key. */
export function committedDocument(
  { name, bytes }: NamedObject,
  open: OpenState,
): CommittedDocument | undefined {
  const end = name.indexOf("/", changesPrefix.length);
  if (!name.startsWith(changesPrefix) || end === -1) return undefined;
  const place = { namespace: name.slice(changesPrefix.length, end), key: name.slice(end + 1) };
  const record = decoded(name, bytes);
  // A damaged record must not keep others out of the index; who reads the key will be told.
  if (record === undefined) return { ...place, stamp: "damaged", terms: async () => always };
  const { state, version, queryHidden } = record;
  if (state === undefined || version === 0 || queryHidden === true) {
    return { ...place, stamp: undefined, terms: async () => always };
  }
  const terms = async (root: number, book: PathBook): Promise<Extraction> => {
    const { place: where, size } = state;
    if (size > documentBytesIndexedMax) return always;
    const whole = where.kind === "inline" ? where.bytes : await readWhole(where.name, open);
    return whole === undefined ? always : documentTerms(whole, root, book);
  };
  return { ...place, stamp: state.etag, terms };
}

function decoded(name: string, bytes: Uint8Array) {
  try {
    return decodeRecord(name, bytes).record;
  } catch {
    return undefined;
  }
}

/** Undefined when it is gone: then a newer version of its record is on the way to the index. */
async function readWhole(name: string, open: OpenState): Promise<Uint8Array | undefined> {
  try {
    const stream = await open(name);
    if (stream === undefined) return undefined;
    const parts: Uint8Array[] = [];
    for await (const part of stream.body) parts.push(Uint8Array.prototype.slice.call(part));
    return Buffer.concat(parts);
  } catch {
    return undefined;
  }
}
