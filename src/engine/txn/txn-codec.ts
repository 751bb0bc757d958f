/**
 * Bytes of transaction records and decision markers, format 1:
 *
 *     0  "LT" or "LD"   2  format version   3  zero
 *     4  crc32 (u32 LE) of everything from byte 8 on
 *     8  compact JSON
 *
 * An unknown format is refused and never rewritten; a damaged one is named in the error.
 */
import { crc32 } from "node:zlib";
import { StoreFailure } from "../ports/store.ts";
import type { DecisionMarker, Outcome, Participant, TxnRecord } from "./txn-record.ts";

const magicL = 0x4c;
const magicT = 0x54;
const magicD = 0x44;
const formatVersion = 1;
const bodyAt = 8;

/** [hash, namespace, key, applied] */
type ParticipantFields = [string, string, string, 0 | 1];

interface RecordFields {
  /** write id */
  w: string;
  /** transaction id */
  i: string;
  s: TxnRecord["state"];
  p: ParticipantFields[];
  /** expires, term, created, updated; decided at (ms) once it is */
  n: [number, number, number, number, number?];
  /** sends */
  q?: 1;
}

interface MarkerFields {
  w: string;
  i: string;
  s: Outcome;
  p: ParticipantFields[];
  /** expires, term, created, decided */
  n: [number, number, number, number];
}

/** The bytes of a record; `writeId` must be unique, so that no two writes are alike. */
export function encodeTxn(record: TxnRecord, writeId: string): Uint8Array {
  const { expiresAtUnix, tcTerm, createdAtUnix, updatedAtUnix, decidedAtMs } = record;
  const numbers = [expiresAtUnix, tcTerm, createdAtUnix, updatedAtUnix] as const;
  const fields: RecordFields = {
    w: writeId,
    i: record.txnId,
    s: record.state,
    p: record.participants.map(fieldsOf),
    n: decidedAtMs === 0 ? [...numbers] : [...numbers, decidedAtMs],
    ...(record.sends === true ? { q: 1 } : {}),
  };
  return framed(magicT, JSON.stringify(fields));
}

/** @throws StoreFailure "corrupt" */
export function decodeTxn(name: string, stored: Uint8Array): TxnRecord {
  const { i, s, p, n, q } = unframed(name, magicT, stored) as RecordFields;
  const [expiresAtUnix, tcTerm, createdAtUnix, updatedAtUnix, decidedAtMs = 0] = n;
  return {
    txnId: i,
    state: s,
    participants: p.map(participantOf),
    expiresAtUnix,
    tcTerm,
    createdAtUnix,
    updatedAtUnix,
    // Decided before that was recorded: by the second, then.
    decidedAtMs: s === "pending" || decidedAtMs > 0 ? decidedAtMs : updatedAtUnix * 1000,
    ...(q === 1 ? { sends: true } : {}),
  };
}

export function encodeMarker(marker: DecisionMarker, writeId: string): Uint8Array {
  const { expiresAtUnix, tcTerm, createdAtUnix, decidedAtUnix } = marker;
  const fields: MarkerFields = {
    w: writeId,
    i: marker.txnId,
    s: marker.state,
    p: marker.participants.map(fieldsOf),
    n: [expiresAtUnix, tcTerm, createdAtUnix, decidedAtUnix],
  };
  return framed(magicD, JSON.stringify(fields));
}

/** @throws StoreFailure "corrupt" */
export function decodeMarker(name: string, stored: Uint8Array): DecisionMarker {
  const { i, s, p, n } = unframed(name, magicD, stored) as MarkerFields;
  const [expiresAtUnix, tcTerm, createdAtUnix, decidedAtUnix] = n;
  const participants = p.map(participantOf);
  return { txnId: i, state: s, participants, expiresAtUnix, tcTerm, createdAtUnix, decidedAtUnix };
}

function fieldsOf(participant: Participant): ParticipantFields {
  const { backendHash, namespace, key, applied } = participant;
  return [backendHash, namespace, key, applied ? 1 : 0];
}

function participantOf([backendHash, namespace, key, applied]: ParticipantFields): Participant {
  return { backendHash, namespace, key, applied: applied === 1 };
}

function framed(kind: number, text: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(bodyAt + Buffer.byteLength(text));
  bytes[0] = magicL;
  bytes[1] = kind;
  bytes[2] = formatVersion;
  bytes[3] = 0;
  bytes.write(text, bodyAt, "utf8");
  bytes.writeUInt32LE(crc32(bytes.subarray(bodyAt)), 4);
  return bytes;
}

function unframed(name: string, kind: number, stored: Uint8Array): unknown {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  if (bytes.length < bodyAt || bytes[0] !== magicL || bytes[1] !== kind) {
    throw new StoreFailure("corrupt", `${name}: not a transaction of lockd`);
  }
  if (bytes[2] !== formatVersion) {
    throw new StoreFailure(
      "corrupt",
      `${name}: format ${bytes[2]} is unknown to this lockd (it knows ${formatVersion})`,
    );
  }
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(bodyAt))) {
    throw new StoreFailure("corrupt", `${name}: checksum mismatch`);
  }
  return JSON.parse(bytes.toString("utf8", bodyAt));
}
