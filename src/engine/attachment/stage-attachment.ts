/** Staging of uploads and deletions of attachments (http-core.md sections 8.3 and 10.10). Pure. */
import { failure } from "../../api/errors.ts";
import { cleanedIfExpired, holderView, type LeaseClaim } from "../lease/lease-rules.ts";
import { attachmentsPerKeyMax } from "../limits.ts";
import type { AttachmentEntry, StagedAttachments } from "../record/attachment-entry.ts";
import { absentRecord, type KeyRecord } from "../record/key-record.ts";
import { payloadObjects } from "../record/record-objects.ts";
import { bindingError, stagedBase } from "../state/stage.ts";
import { type Decision, keep, refuse, write } from "../transition.ts";
import { holderAttachments, knownAttachment, sortedByName } from "./attachment-list.ts";

/** An upload as it is known before its first byte is read. */
export interface UploadIntent {
  readonly claim: LeaseClaim;
  readonly name: string;
  readonly preventOverwrite: boolean;
}

/** An upload whose payload is stored. */
export interface StoredUpload extends UploadIntent {
  /** For a name that is new to the key. */
  readonly freshId: string;
  readonly contentType: string;
  readonly size: number;
  readonly sha256: string;
  readonly object: string;
}

export interface UploadStaged {
  readonly entry: AttachmentEntry;
  readonly version: number;
  readonly noop: boolean;
}

const nothingStaged: StagedAttachments = { cleared: false, deleted: [], upserts: [] };

/**
 * Whether the upload may begin: refused as it would be at its end, or answered already because its
 * name is taken; undefined means that the payload is wanted. Changes nothing, and everything is
 * checked again when the payload is recorded.
 */
export function admitUpload(
  current: KeyRecord | undefined,
  intent: UploadIntent,
  nowUnix: number,
): Decision<UploadStaged | undefined> {
  const record = current ?? absentRecord;
  const error = bindingError(record, intent.claim, nowUnix);
  if (error !== undefined) return refuse(error, cleanedIfExpired(record, nowUnix));
  const existing = intent.preventOverwrite ? takenBy(record, intent.name) : undefined;
  if (existing !== undefined) {
    return keep({ entry: existing, version: holderView(record).version, noop: true });
  }
  const view = holderAttachments(record);
  const isNew = !view.some(({ name }) => name === intent.name);
  if (isNew && view.length >= attachmentsPerKeyMax) return refuse(tooMany(intent.claim));
  return keep(undefined);
}

/** Of the name, in the holder's view or committed although its deletion is staged. */
function takenBy(record: KeyRecord, name: string): AttachmentEntry | undefined {
  const isNamed = (entry: AttachmentEntry): boolean => entry.name === name;
  return holderAttachments(record).find(isNamed) ?? record.attachments.find(isNamed);
}

function tooMany({ namespace, key }: LeaseClaim) {
  return failure(
    "too_many_attachments",
    `${namespace}/${key} has ${attachmentsPerKeyMax} attachments already`,
  );
}

/**
 * Records a stored payload under its name, in place of what this transaction staged there. A
 * payload that is recorded already was so by an earlier attempt of this very call.
 */
export function stageUpload(
  current: KeyRecord | undefined,
  upload: StoredUpload,
  nowUnix: number,
): Decision<UploadStaged> {
  const admitted = admitUpload(current, upload, nowUnix);
  if (admitted.kind === "refuse") return admitted;
  const record = current ?? absentRecord;
  const own = record.staged?.attachments?.upserts.find(({ object }) => object === upload.object);
  if (own !== undefined) {
    return keep({ entry: own, version: holderView(record).version, noop: false });
  }
  if (admitted.answer !== undefined) return keep(admitted.answer);
  const { name, size, sha256, contentType, object } = upload;
  const known = knownAttachment(record, name);
  const entry: AttachmentEntry = {
    id: known?.id ?? upload.freshId,
    name,
    size,
    sha256,
    contentType,
    createdAtUnix: known?.createdAtUnix ?? nowUnix,
    updatedAtUnix: nowUnix,
    object,
  };
  const before = record.staged?.attachments ?? nothingStaged;
  const others = before.upserts.filter((upsert) => upsert.name !== name);
  const replaced = before.upserts.filter((upsert) => upsert.name === name);
  const changes: StagedAttachments = {
    ...before,
    deleted: before.deleted.filter((gone) => gone !== name),
    upserts: sortedByName([...others, entry]),
  };
  const staged = withChanges(record, upload.claim, changes);
  const answer = { entry, version: staged.version, noop: false };
  return write({ ...record, staged, updatedAtUnix: nowUnix }, answer, payloadObjects(replaced));
}

function withChanges(record: KeyRecord, claim: LeaseClaim, attachments: StagedAttachments) {
  return { ...stagedBase(record, claim), attachments };
}

/** Which attachment; an undefined part matches every one. */
export interface EntrySelector {
  readonly id: string | undefined;
  readonly name: string | undefined;
}

export function isSelected({ id, name }: EntrySelector, entry: AttachmentEntry): boolean {
  return (id === undefined || entry.id === id) && (name === undefined || entry.name === name);
}

export interface DeletionStaged {
  readonly deleted: number;
  readonly version: number;
}

/** A staged upload is dropped; what is committed under the name is staged to go. */
export function stageDeletion(
  current: KeyRecord | undefined,
  request: { readonly claim: LeaseClaim; readonly selector: EntrySelector },
  nowUnix: number,
): Decision<DeletionStaged> {
  const record = current ?? absentRecord;
  const { claim, selector } = request;
  const error = bindingError(record, claim, nowUnix);
  if (error !== undefined) return refuse(error, cleanedIfExpired(record, nowUnix));
  const entry = holderAttachments(record).find((one) => isSelected(selector, one));
  if (entry === undefined) return keep({ deleted: 0, version: holderView(record).version });
  const before = record.staged?.attachments ?? nothingStaged;
  const isCommitted = record.attachments.some(({ name }) => name === entry.name);
  const dropped = before.upserts.filter(({ name }) => name === entry.name);
  const changes: StagedAttachments = {
    ...before,
    deleted: isCommitted && !before.cleared ? [...before.deleted, entry.name] : before.deleted,
    upserts: before.upserts.filter(({ name }) => name !== entry.name),
  };
  const staged = withChanges(record, claim, changes);
  const next = { ...record, staged, updatedAtUnix: nowUnix };
  return write(next, { deleted: 1, version: staged.version }, payloadObjects(dropped));
}

/** Everything goes: a change even when there is nothing, unless a removal takes it all anyway. */
export function stageClearing(
  current: KeyRecord | undefined,
  claim: LeaseClaim,
  nowUnix: number,
): Decision<DeletionStaged> {
  const record = current ?? absentRecord;
  const error = bindingError(record, claim, nowUnix);
  if (error !== undefined) return refuse(error, cleanedIfExpired(record, nowUnix));
  if (record.staged?.removed === true) {
    return keep({ deleted: 0, version: holderView(record).version });
  }
  const deleted = holderAttachments(record).length;
  const dropped = record.staged?.attachments?.upserts ?? [];
  const staged = withChanges(record, claim, { cleared: true, deleted: [], upserts: [] });
  const next = { ...record, staged, updatedAtUnix: nowUnix };
  return write(next, { deleted, version: staged.version }, payloadObjects(dropped));
}

/** The holder's read: an expired lease is cleared on the way (section 8.5). */
export function findLeased(
  current: KeyRecord | undefined,
  claim: LeaseClaim,
  nowUnix: number,
): Decision<readonly AttachmentEntry[]> {
  const record = current ?? absentRecord;
  const error = bindingError(record, claim, nowUnix);
  if (error !== undefined) return refuse(error, cleanedIfExpired(record, nowUnix));
  return keep(holderAttachments(record));
}
