/**
 * Attachments in the header of a record. Their payloads are objects named after the key, so only
 * the last part of each name is written; a list of a thousand stays a few hundred kilobytes.
 */
import { strict as assert } from "node:assert";
import { type AttachmentEntry, noAttachments, type StagedAttachments } from "./attachment-entry.ts";

/** [id, name, size, sha256, content type, created, updated, last part of the object's name] */
type EntryHeader = [string, string, number, string, string, number, number, string];

/** Fields of the record's header; all are left out of records without attachments. */
export interface AttachmentHeader {
  /** committed */
  a?: EntryHeader[];
  /** staged: cleared, deleted names, upserts */
  ga?: [0 | 1, string[], EntryHeader[]];
  /** what the names of all payload objects begin with */
  p?: string;
}

/** The fields as JSON text, each with a comma in front; nothing when there are none. */
export function attachmentText(
  committed: readonly AttachmentEntry[],
  staged: StagedAttachments | undefined,
): string {
  if (committed.length === 0 && staged === undefined) return "";
  assert(isConsistentList(committed, staged), "an attachment comes or goes, and stands there once");
  const first = committed[0] ?? staged?.upserts[0];
  const prefix = first === undefined ? "" : prefixOf(first.object);
  const entries = (list: readonly AttachmentEntry[]): string =>
    JSON.stringify(list.map((entry) => entryHeader(entry, prefix)));
  let text = prefix === "" ? "" : `,"p":${JSON.stringify(prefix)}`;
  if (committed.length > 0) text += `,"a":${entries(committed)}`;
  if (staged !== undefined) {
    const { cleared, deleted, upserts } = staged;
    text += `,"ga":[${cleared ? 1 : 0},${JSON.stringify(deleted)},${entries(upserts)}]`;
  }
  return text;
}

function prefixOf(object: string): string {
  return object.slice(0, object.lastIndexOf("/") + 1);
}

function entryHeader(entry: AttachmentEntry, prefix: string): EntryHeader {
  const { id, name, size, sha256, contentType, createdAtUnix, updatedAtUnix, object } = entry;
  assert(object.startsWith(prefix), "payloads of a key are named after it");
  const unique = object.slice(prefix.length);
  return [id, name, size, sha256, contentType, createdAtUnix, updatedAtUnix, unique];
}

export function committedAttachments(header: AttachmentHeader): readonly AttachmentEntry[] {
  return header.a === undefined ? noAttachments : entriesOf(header.a, header);
}

export function stagedAttachments(header: AttachmentHeader): StagedAttachments | undefined {
  if (header.ga === undefined) return undefined;
  const [cleared, deleted, upserts] = header.ga;
  return { cleared: cleared === 1, deleted, upserts: entriesOf(upserts, header) };
}

function entriesOf(list: readonly EntryHeader[], { p = "" }: AttachmentHeader): AttachmentEntry[] {
  return list.map(
    ([id, name, size, sha256, contentType, createdAtUnix, updatedAtUnix, unique]) => ({
      id,
      name,
      size,
      sha256,
      contentType,
      createdAtUnix,
      updatedAtUnix,
      object: p + unique,
    }),
  );
}

/** A name stands once in a list, and nothing comes and goes at once. */
export function isConsistentList(
  committed: readonly AttachmentEntry[],
  staged: StagedAttachments | undefined,
): boolean {
  if (!haveUniqueNames(committed)) return false;
  if (staged === undefined) return true;
  const going = new Set(staged.deleted);
  return haveUniqueNames(staged.upserts) && !staged.upserts.some(({ name }) => going.has(name));
}

function haveUniqueNames(entries: readonly AttachmentEntry[]): boolean {
  return entries.length < 2 || new Set(entries.map(({ name }) => name)).size === entries.length;
}
