/**
 * What becomes of a key's attachments (http-core.md sections 8.2 and 8.10): the holder's view, and
 * the list after a commit, are the same sum of committed and staged. Pure.
 */
import { type AttachmentEntry, noAttachments } from "../record/attachment-entry.ts";
import type { KeyRecord } from "../record/key-record.ts";

/** By the bytes of the names, as lists are answered; equal names do not meet. */
export function sortedByName(entries: Iterable<AttachmentEntry>): readonly AttachmentEntry[] {
  return [...entries].sort((one, other) => compareBytes(one.name, other.name));
}

/** Code units order as their bytes do, except that surrogates stand for what is beyond them all. */
function compareBytes(one: string, other: string): number {
  const end = Math.min(one.length, other.length);
  for (let at = 0; at < end; at += 1) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)];
    if (a !== b) return rankOf(a) - rankOf(b);
  }
  return one.length - other.length;
}

function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Committed minus what is staged to go, plus what is staged to come; empty under a removal. */
export function holderAttachments(record: KeyRecord): readonly AttachmentEntry[] {
  const { staged } = record;
  if (staged?.removed === true) return noAttachments;
  const changes = staged?.attachments;
  if (changes === undefined) return record.attachments;
  const going = new Set(changes.deleted);
  for (const { name } of changes.upserts) going.add(name);
  const kept = changes.cleared ? [] : record.attachments.filter(({ name }) => !going.has(name));
  return sortedByName([...kept, ...changes.upserts]);
}

/** The entry of a name wherever it is, staged before committed: an upload keeps its identity. */
export function knownAttachment(record: KeyRecord, name: string): AttachmentEntry | undefined {
  return (
    record.staged?.attachments?.upserts.find((entry) => entry.name === name) ??
    record.attachments.find((entry) => entry.name === name)
  );
}

/** Objects of entries of `before` that `after` does not hold any more. */
export function droppedObjects(
  before: readonly AttachmentEntry[],
  after: readonly AttachmentEntry[],
): readonly string[] {
  if (before === after || before.length === 0) return [];
  const kept = new Set(after.map(({ object }) => object));
  return before.map(({ object }) => object).filter((object) => !kept.has(object));
}
