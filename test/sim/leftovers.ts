/**
 * What a store must not hold when nobody works with it any more and every retention is over:
 * records and markers of transactions, staged changes and leases of keys, and bytes nothing points
 * at. Used by the simulator and by the soak of a real server.
 */
import { deadLetterPrefix, messagePrefix, payloadObjects } from "../../src/engine/queue/message.ts";
import { decodeMessage } from "../../src/engine/queue/message-codec.ts";
import { recordPrefix } from "../../src/engine/record/key-record.ts";
import { decodeRecord } from "../../src/engine/record/record-codec.ts";
import { referencedObjects } from "../../src/engine/record/record-objects.ts";
import { decodeMarker } from "../../src/engine/txn/txn-codec.ts";
import { markerPrefix, txnPrefix } from "../../src/engine/txn/txn-record.ts";

export interface StoreContent {
  readonly objects: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** Names of what was written as a stream. */
  readonly streams: readonly string[];
}

/** A sentence for each thing that is left over; markers are so from the end of their time on. */
export function* leftoversIn(
  { objects, streams }: StoreContent,
  nowUnix = Number.POSITIVE_INFINITY,
): Generator<string> {
  const wanted = new Set<string>();
  for (const { name, bytes } of objects) {
    if (name.startsWith(txnPrefix)) yield `${name}: a transaction is never finished`;
    if (name.startsWith(markerPrefix)) {
      const overdue = nowUnix - decodeMarker(name, bytes).expiresAtUnix;
      if (overdue >= 0) yield `${name}, by ${overdue} s: a decision is remembered for too long`;
    }
    if (name.startsWith(recordPrefix)) {
      const { record } = decodeRecord(name, bytes);
      if (record.lease !== undefined) yield `${name}: keeps a lease`;
      if (record.staged !== undefined) yield `${name}: keeps staged changes`;
      for (const object of referencedObjects(record)) wanted.add(object);
    }
    if (name.startsWith(messagePrefix) || name.startsWith(deadLetterPrefix)) {
      for (const object of payloadObjects(decodeMessage(name, bytes).message)) wanted.add(object);
    }
  }
  for (const name of streams) {
    if (!wanted.delete(name)) yield `${name}: bytes that nothing points at`;
  }
  for (const name of wanted) yield `${name}: bytes that are missing`;
}
