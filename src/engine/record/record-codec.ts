/**
 * Bytes of a key record, format 1:
 *
 *     0  "LK"           2  format version   3  zero
 *     4  crc32 (u32 LE) of everything from byte 8 on
 *     8  header length (u32 LE)
 *    12  header: compact JSON, then the inline bytes of the committed and of the staged state
 *
 * An unknown format is refused and never rewritten; a damaged record is named in the error.
 */
import { crc32 } from "node:zlib";
import { StoreFailure } from "../ports/store.ts";
import {
  type AttachmentHeader,
  attachmentText,
  committedAttachments,
  isConsistentList,
  stagedAttachments,
} from "./attachment-codec.ts";
import type {
  AcquireBinding,
  KeyRecord,
  LastCommit,
  Lease,
  Staged,
  StoredState,
} from "./key-record.ts";

const magicL = 0x4c;
const magicK = 0x4b;
const formatVersion = 1;
const headerAt = 12;

/** A record together with the id of the write that made it. */
export interface DecodedRecord {
  readonly writeId: string;
  readonly record: KeyRecord;
}

/** [etag, size, object name or 0 when inline] */
type StateHeader = [string, number, string | 0];

interface Header extends AttachmentHeader {
  /** write id */
  w: string;
  /** version, fencing token, updated at */
  n: [number, number, number];
  s?: StateHeader;
  /** query hidden */
  h?: boolean;
  /** id, owner, txn, explicit, token, acquired at, expires at */
  l?: [string, string, string, 0 | 1, number, number, number];
  /** txn, version, removed, query hidden, state */
  g?: [string, number, 0 | 1, boolean | null, StateHeader | null];
  /** binding: key hash, request hash, lease id, until */
  i?: [string, string, string, number];
  /** lease id, version, etag, bytes */
  c?: [string, number, string, number];
}

function inlineBytes(state: StoredState | undefined): Uint8Array | undefined {
  return state?.place.kind === "inline" ? state.place.bytes : undefined;
}

/**
 * The header's JSON. Put together by hand, twice as fast as a serialiser: ids and etags are made
 * of safe characters, and what callers chose is quoted properly.
 */
function headerText(record: KeyRecord, writeId: string): string {
  const { state, attachments, lease, staged, lastCommit, binding } = record;
  let text =
    `{"w":"${writeId}",` + `"n":[${record.version},${record.fencingToken},${record.updatedAtUnix}]`;
  if (state !== undefined) text += `,"s":${stateText(state)}`;
  if (record.queryHidden !== undefined) text += `,"h":${record.queryHidden}`;
  if (lease !== undefined) {
    text +=
      `,"l":["${lease.id}",${JSON.stringify(lease.owner)},"${lease.txnId}",` +
      `${lease.explicit ? 1 : 0},${lease.fencingToken},` +
      `${lease.acquiredAtUnix},${lease.expiresAtUnix}]`;
  }
  if (staged !== undefined) {
    text +=
      `,"g":["${staged.txnId}",${staged.version},${staged.removed ? 1 : 0},` +
      `${staged.queryHidden ?? null},` +
      `${staged.state === undefined ? null : stateText(staged.state)}]`;
  }
  if (lastCommit !== undefined) {
    const { leaseId, version, etag, bytes } = lastCommit;
    text += `,"c":["${leaseId}",${version},"${etag}",${bytes}]`;
  }
  if (binding !== undefined) {
    const { keyHash, requestHash, leaseId, untilUnix } = binding;
    text += `,"i":["${keyHash}","${requestHash}","${leaseId}",${untilUnix}]`;
  }
  text += attachmentText(attachments, staged?.attachments);
  return `${text}}`;
}

function stateText({ etag, size, place }: StoredState): string {
  return `["${etag}",${size},${place.kind === "object" ? JSON.stringify(place.name) : 0}]`;
}

/** The bytes of a record; `writeId` must be unique, so that no two writes are alike. */
export function encodeRecord(record: KeyRecord, writeId: string): Uint8Array {
  const header = headerText(record, writeId);
  const state = inlineBytes(record.state);
  const staged = inlineBytes(record.staged?.state);
  const headerLength = Buffer.byteLength(header);
  const length =
    headerAt + headerLength + (state === undefined ? 0 : state.length) + (staged?.length ?? 0);
  const bytes = Buffer.allocUnsafe(length);
  bytes[0] = magicL;
  bytes[1] = magicK;
  bytes[2] = formatVersion;
  bytes[3] = 0;
  bytes.writeUInt32LE(headerLength, 8);
  bytes.write(header, headerAt, "utf8");
  let at = headerAt + headerLength;
  if (state !== undefined) {
    bytes.set(state, at);
    at += state.length;
  }
  if (staged !== undefined) bytes.set(staged, at);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

/**
 * The record in `bytes`; `name` is for the message.
 * @throws StoreFailure "corrupt"
 */
export function decodeRecord(name: string, stored: Uint8Array): DecodedRecord {
  const { text, inline } = openRecord(name, stored);
  const header = JSON.parse(text) as Header;
  const record = recordOf(header, inline);
  if (!isConsistent(record)) throw new StoreFailure("corrupt", `${name}: fields contradict`);
  return { writeId: header.w, record };
}

/** The committed half of a record; `inline` begins with the bytes of an inline state. */
export interface CommittedHeader {
  readonly version: number;
  readonly queryHidden: boolean;
  /** `object`: the name of the object that holds it, 0 when it is inline. */
  readonly state: { readonly size: number; readonly object: string | 0 } | undefined;
  readonly inline: Uint8Array;
}

/**
 * As {@link decodeRecord}, for readers that only want what is committed: nothing is copied, and of
 * the usual header no more is read than that.
 * @throws StoreFailure "corrupt"
 */
export function readCommitted(name: string, stored: Uint8Array): CommittedHeader {
  const { text, inline } = openRecord(name, stored);
  const committed = usualHeader(text) ?? parsedHeader(text);
  if (committed.state?.object === 0 && committed.state.size > inline.length) {
    throw new StoreFailure("corrupt", `${name}: fields contradict`);
  }
  return { ...committed, inline };
}

/** The beginning of a header as {@link headerText} writes it, with an inline state. */
const usualHeaderPattern = /^\{"w":"[^"]*","n":\[(\d+),\d+,\d+\],"s":\["[^"]*",(\d+),0\]/;

/** Undefined for any other header, and for one that may say that queries must not find the key. */
function usualHeader(text: string): Omit<CommittedHeader, "inline"> | undefined {
  const found = usualHeaderPattern.exec(text);
  if (found === null || text.includes('"h":')) return undefined;
  return {
    version: Number(found[1]),
    queryHidden: false,
    state: { size: Number(found[2]), object: 0 },
  };
}

function parsedHeader(text: string): Omit<CommittedHeader, "inline"> {
  const { n, s, h: queryHidden = false } = JSON.parse(text) as Header;
  const state = s === undefined ? undefined : { size: s[1], object: s[2] };
  return { version: n[0], queryHidden, state };
}

/** A record whose checksum is right; `text` is its header's JSON. */
function openRecord(
  name: string,
  stored: Uint8Array,
): { readonly text: string; readonly inline: Buffer } {
  const bytes = Buffer.isBuffer(stored)
    ? stored
    : Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  if (bytes.length < headerAt || bytes[0] !== magicL || bytes[1] !== magicK) {
    throw new StoreFailure("corrupt", `${name}: not a lockd record`);
  }
  if (bytes[2] !== formatVersion) {
    throw new StoreFailure(
      "corrupt",
      `${name}: record format ${bytes[2]} is unknown to this lockd (it knows ${formatVersion})`,
    );
  }
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8))) {
    throw new StoreFailure("corrupt", `${name}: checksum mismatch`);
  }
  const headerEnd = headerAt + bytes.readUInt32LE(8);
  if (headerEnd > bytes.length) throw new StoreFailure("corrupt", `${name}: header too long`);
  return { text: bytes.toString("utf8", headerAt, headerEnd), inline: bytes.subarray(headerEnd) };
}

function recordOf(header: Header, inline: Buffer): KeyRecord {
  const state = header.s === undefined ? undefined : storedState(header.s, inline, 0);
  const stagedAt = state?.place.kind === "inline" ? state.size : 0;
  return {
    version: header.n[0],
    fencingToken: header.n[1],
    updatedAtUnix: header.n[2],
    state,
    queryHidden: header.h,
    attachments: committedAttachments(header),
    lease: header.l === undefined ? undefined : leaseOf(header.l),
    staged:
      header.g === undefined ? undefined : stagedOf(header, header.g, { inline, at: stagedAt }),
    lastCommit: header.c === undefined ? undefined : lastCommitOf(header.c),
    binding: header.i === undefined ? undefined : bindingOf(header.i),
  };
}

function storedState(header: StateHeader, inline: Buffer, at: number): StoredState {
  const [etag, size, object] = header;
  if (object !== 0) return { etag, size, place: { kind: "object", name: object } };
  // A copy of its own size: a view would keep the whole record alive as long as the state.
  const bytes = Uint8Array.prototype.slice.call(inline, at, at + size);
  return { etag, size, place: { kind: "inline", bytes } };
}

function leaseOf(fields: NonNullable<Header["l"]>): Lease {
  const [id, owner, txnId, explicit, fencingToken, acquiredAtUnix, expiresAtUnix] = fields;
  return {
    id,
    owner,
    txnId,
    explicit: explicit === 1,
    fencingToken,
    acquiredAtUnix,
    expiresAtUnix,
  };
}

function stagedOf(
  header: Header,
  fields: NonNullable<Header["g"]>,
  { inline, at }: { readonly inline: Buffer; readonly at: number },
): Staged {
  const [txnId, version, removed, queryHidden, state] = fields;
  return {
    txnId,
    version,
    removed: removed === 1,
    queryHidden: queryHidden ?? undefined,
    state: state === null ? undefined : storedState(state, inline, at),
    attachments: stagedAttachments(header),
  };
}

function lastCommitOf(fields: NonNullable<Header["c"]>): LastCommit {
  const [leaseId, version, etag, bytes] = fields;
  return { leaseId, version, etag, bytes };
}

function bindingOf(fields: NonNullable<Header["i"]>): AcquireBinding {
  const [keyHash, requestHash, leaseId, untilUnix] = fields;
  return { keyHash, requestHash, leaseId, untilUnix };
}

/** The invariants of a record, checked again when it comes back from the store. */
function isConsistent(record: KeyRecord): boolean {
  const { lease, staged, state } = record;
  if (!(record.fencingToken >= 1) || !(record.version >= 0)) return false;
  if (lease !== undefined && lease.fencingToken !== record.fencingToken) return false;
  if (staged !== undefined && staged.version <= record.version) return false;
  if (state?.place.kind === "inline" && state.place.bytes.length !== state.size) return false;
  return isConsistentList(record.attachments, staged?.attachments);
}
