/**
 * Bytes of a message record, format 1:
 *
 *     0  "LQ"           2  format version   3  zero
 *     4  crc32 (u32 LE) of everything from byte 8 on
 *     8  header length (u32 LE)
 *    12  not visible until (f64 LE, ms)    20  expires at (f64 LE, ms; 0 = never)
 *    28  priority (i8)    29  flags    30  zero (2 bytes)
 *    32  header: compact JSON, then the inline payload
 *
 * What the ready set needs stands at fixed places, so that a million records are indexed without
 * parsing their JSON. An unknown format is refused and never rewritten; a damaged record is named.
 */
import { crc32 } from "node:zlib";
import { StoreFailure } from "../ports/store.ts";
import {
  isExhausted,
  type Message,
  type MessageLease,
  type Payload,
  type Staged,
  type StoredMessage,
} from "./message.ts";

const magicL = 0x4c;
const magicQ = 0x51;
const formatVersion = 1;
const dueAt = 12;
const expiresAt = 20;
const priorityAt = 28;
const flagsAt = 29;
const headerAt = 32;

const leasedFlag = 1;
const exhaustedFlag = 2;
const groupFlag = 4;
const stagedFlag = 8;

/** What the ready set keeps of a message. */
export interface MessageFacts {
  readonly dueMs: number;
  /** 0: never. */
  readonly expiresMs: number;
  readonly priority: number;
  readonly leased: boolean;
  readonly exhausted: boolean;
  /** Waits for the decision of a transaction: not a message yet. */
  readonly staged: boolean;
  readonly group: string | undefined;
}

interface Header {
  /** write id */
  w: string;
  /** correlation id */
  i: string;
  /** enqueued at, max attempts, max deliveries, default visibility (0: none) */
  n: [number, number, number, number];
  /** attempts, failure attempts, fencing token, visibility */
  c: [number, number, number, number];
  /** size, content type, object name or 0 when inline */
  p: [number, string, string | 0];
  /** id, owner, txn, explicit, token, expires at */
  l?: [string, string, string, 0 | 1, number, number];
  /** attributes */
  a?: Record<string, unknown>;
  /** last error, in an array because it may be null */
  e?: [unknown];
  /** group, previous */
  g?: [string, string | 0];
  /** dedupe key, remembered until */
  k?: [string, number];
  /** state marker */
  s?: string;
  /** unlinked */
  u?: 1;
  /** staged: txn, delay, time to live, dedupe window */
  t?: [string, number, number, number];
  /** committed by */
  o?: string;
  /** died at */
  d?: number;
}

export function factsOf(message: Message): MessageFacts {
  return {
    dueMs: message.notVisibleUntilMs,
    expiresMs: message.expiresAtMs ?? 0,
    priority: message.priority,
    leased: message.lease !== undefined,
    exhausted: isExhausted(message),
    staged: message.staged !== undefined,
    group: message.group,
  };
}

/**
 * The header's JSON, put together by hand because this is the hot path: ids are made of safe
 * characters, and what callers chose is quoted properly.
 */
function headerText(message: Message, etag: string): string {
  const { payload, lease } = message;
  let text =
    `{"w":"${etag}","i":${JSON.stringify(message.correlationId)},` +
    `"n":[${message.enqueuedAtMs},${message.maxAttempts},${message.maxDeliveries},` +
    `${message.defaultVisibilitySeconds ?? 0}],` +
    `"c":[${message.attempts},${message.failureAttempts},${message.fencingToken},` +
    `${message.visibilitySeconds}],` +
    `"p":[${payload.size},${JSON.stringify(payload.contentType)},` +
    `${payload.place.kind === "object" ? JSON.stringify(payload.place.name) : 0}]`;
  if (lease !== undefined) {
    text +=
      `,"l":["${lease.id}",${JSON.stringify(lease.owner)},"${lease.txnId}",` +
      `${lease.explicit ? 1 : 0},${lease.fencingToken},${lease.expiresAtUnix}]`;
  }
  return `${text}${rareText(message)}}`;
}

/** What most messages do not have. */
function rareText(message: Message): string {
  let text = "";
  if (message.attributes !== undefined) text += `,"a":${JSON.stringify(message.attributes)}`;
  if (message.lastError !== undefined) text += `,"e":[${JSON.stringify(message.lastError)}]`;
  if (message.group !== undefined) {
    const previous = message.previous === undefined ? 0 : `"${message.previous}"`;
    text += `,"g":[${JSON.stringify(message.group)},${previous}]`;
  }
  if (message.dedupe !== undefined) {
    text += `,"k":[${JSON.stringify(message.dedupe.key)},${message.dedupe.untilMs}]`;
  }
  if (message.stateEtag !== undefined) text += `,"s":"${message.stateEtag}"`;
  if (message.unlinked) text += ',"u":1';
  if (message.staged !== undefined) {
    const { txnId, delayMs, ttlMs, dedupeWindowMs } = message.staged;
    text += `,"t":["${txnId}",${delayMs},${ttlMs},${dedupeWindowMs}]`;
  }
  if (message.committedBy !== undefined) text += `,"o":"${message.committedBy}"`;
  if (message.diedAtMs !== undefined) text += `,"d":${message.diedAtMs}`;
  return text;
}

function flagsOf(message: Message): number {
  return (
    (message.lease === undefined ? 0 : leasedFlag) |
    (isExhausted(message) ? exhaustedFlag : 0) |
    (message.group === undefined ? 0 : groupFlag) |
    (message.staged === undefined ? 0 : stagedFlag)
  );
}

/** The bytes of a record; `etag` must be unique, so that no two writes are alike. */
export function encodeMessage(message: Message, etag: string): Uint8Array {
  const header = headerText(message, etag);
  const { place } = message.payload;
  const inline = place.kind === "inline" ? place.bytes : undefined;
  const headerLength = Buffer.byteLength(header);
  const bytes = Buffer.allocUnsafe(headerAt + headerLength + (inline?.length ?? 0));
  const flags = flagsOf(message);
  bytes[0] = magicL;
  bytes[1] = magicQ;
  bytes[2] = formatVersion;
  bytes[3] = 0;
  bytes.writeUInt32LE(headerLength, 8);
  bytes.writeDoubleLE(message.notVisibleUntilMs, dueAt);
  bytes.writeDoubleLE(message.expiresAtMs ?? 0, expiresAt);
  bytes.writeInt8(message.priority, priorityAt);
  bytes[flagsAt] = flags;
  bytes.writeUInt16LE(0, flagsAt + 1);
  bytes.write(header, headerAt, "utf8");
  if (inline !== undefined) bytes.set(inline, headerAt + headerLength);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

function checked(name: string, stored: Uint8Array): Buffer {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  if (bytes.length < headerAt || bytes[0] !== magicL || bytes[1] !== magicQ) {
    throw new StoreFailure("corrupt", `${name}: not a message of lockd`);
  }
  if (bytes[2] !== formatVersion) {
    throw new StoreFailure(
      "corrupt",
      `${name}: message format ${bytes[2]} is unknown to this lockd (it knows ${formatVersion})`,
    );
  }
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8))) {
    throw new StoreFailure("corrupt", `${name}: checksum mismatch`);
  }
  return bytes;
}

function headerIn(name: string, bytes: Buffer): { header: Header; inline: Buffer } {
  const end = headerAt + bytes.readUInt32LE(8);
  if (end > bytes.length) throw new StoreFailure("corrupt", `${name}: header too long`);
  const header = JSON.parse(bytes.toString("utf8", headerAt, end)) as Header;
  return { header, inline: bytes.subarray(end) };
}

/**
 * What the ready set needs of the message in `bytes`; parses JSON only for messages of a group.
 * @throws StoreFailure "corrupt"
 */
export function readFacts(name: string, stored: Uint8Array): MessageFacts {
  const bytes = checked(name, stored);
  const flags = bytes[flagsAt] ?? 0;
  const grouped = (flags & groupFlag) !== 0;
  return {
    dueMs: bytes.readDoubleLE(dueAt),
    expiresMs: bytes.readDoubleLE(expiresAt),
    priority: bytes.readInt8(priorityAt),
    leased: (flags & leasedFlag) !== 0,
    exhausted: (flags & exhaustedFlag) !== 0,
    staged: (flags & stagedFlag) !== 0,
    group: grouped ? headerIn(name, bytes).header.g?.[0] : undefined,
  };
}

/**
 * The message in `bytes`; `name` is for the message of the error.
 * @throws StoreFailure "corrupt"
 */
export function decodeMessage(name: string, stored: Uint8Array): StoredMessage {
  const bytes = checked(name, stored);
  const { header, inline } = headerIn(name, bytes);
  const expires = bytes.readDoubleLE(expiresAt);
  const [enqueuedAtMs, maxAttempts, maxDeliveries, defaultVisibility] = header.n;
  const [attempts, failureAttempts, fencingToken, visibilitySeconds] = header.c;
  const previous = header.g?.[1];
  const message: Message = {
    enqueuedAtMs,
    correlationId: header.i,
    payload: payloadOf(header.p, inline),
    attributes: header.a,
    maxAttempts,
    maxDeliveries,
    priority: bytes.readInt8(priorityAt),
    defaultVisibilitySeconds: defaultVisibility === 0 ? undefined : defaultVisibility,
    expiresAtMs: expires === 0 ? undefined : expires,
    dedupe: header.k === undefined ? undefined : { key: header.k[0], untilMs: header.k[1] },
    group: header.g?.[0],
    previous: previous === 0 ? undefined : previous,
    unlinked: header.u === 1,
    attempts,
    failureAttempts,
    fencingToken,
    notVisibleUntilMs: bytes.readDoubleLE(dueAt),
    visibilitySeconds,
    lastError: header.e?.[0],
    lease: header.l === undefined ? undefined : leaseOf(header.l),
    stateEtag: header.s,
    staged: header.t === undefined ? undefined : stagedOf(header.t),
    committedBy: header.o,
    diedAtMs: header.d,
  };
  if (!isConsistent(message)) throw new StoreFailure("corrupt", `${name}: fields contradict`);
  return { message, etag: header.w };
}

function payloadOf([size, contentType, object]: Header["p"], inline: Buffer): Payload {
  if (object !== 0) return { size, contentType, place: { kind: "object", name: object } };
  // A copy of its own size: a view would keep the whole record alive as long as the payload.
  const bytes = Uint8Array.prototype.slice.call(inline, 0, size);
  return { size, contentType, place: { kind: "inline", bytes } };
}

function leaseOf(fields: NonNullable<Header["l"]>): MessageLease {
  const [id, owner, txnId, explicit, fencingToken, expiresAtUnix] = fields;
  return { id, owner, txnId, explicit: explicit === 1, fencingToken, expiresAtUnix };
}

function stagedOf([txnId, delayMs, ttlMs, dedupeWindowMs]: NonNullable<Header["t"]>): Staged {
  return { txnId, delayMs, ttlMs, dedupeWindowMs };
}

/** The invariants of a message, checked again when it comes back from the store. */
function isConsistent(message: Message): boolean {
  const { lease, staged, payload, attempts, fencingToken, maxAttempts } = message;
  if (!(maxAttempts >= 1) || !(attempts >= 0) || !(fencingToken >= 0)) return false;
  if (lease !== undefined && (lease.fencingToken !== fencingToken || staged !== undefined)) {
    return false;
  }
  return payload.place.kind !== "inline" || payload.place.bytes.length === payload.size;
}
