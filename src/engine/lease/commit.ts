/** Commit of one key's staged changes (http-core.md sections 8.3 and 8.10). Pure. */
import { droppedObjects, holderAttachments } from "../attachment/attachment-list.ts";
import type { KeyRecord, StoredState } from "../record/key-record.ts";
import { payloadObjects, stateObjects } from "../record/record-objects.ts";
import type { Cleaned } from "../transition.ts";

/**
 * The record with its staged changes committed and its lease cleared: a pointer switch, no copy.
 * Whatever state and attachments stood there before become garbage. A removal takes all attachments
 * with it, staged ones too.
 */
export function committed(record: KeyRecord, nowUnix: number): Cleaned {
  const { staged, lease } = record;
  if (staged === undefined) {
    return {
      record: { ...record, lease: undefined, updatedAtUnix: nowUnix },
      garbage: [],
    };
  }
  const changesState = staged.removed || staged.state !== undefined;
  const state = staged.removed ? undefined : (staged.state ?? record.state);
  const attachments = holderAttachments(record);
  const changesVersion = changesState || staged.attachments !== undefined;
  const version = changesVersion ? staged.version : record.version;
  const lastCommit =
    lease !== undefined && changesState
      ? { leaseId: lease.id, version, etag: state?.etag ?? "", bytes: state?.size ?? 0 }
      : record.lastCommit;
  return {
    record: {
      ...record,
      version,
      state,
      queryHidden: staged.queryHidden ?? record.queryHidden,
      attachments,
      lease: undefined,
      staged: undefined,
      updatedAtUnix: nowUnix,
      lastCommit,
    },
    garbage: [
      ...(changesState ? replacedObjects(record.state, state) : []),
      ...droppedObjects(record.attachments, attachments),
      ...(staged.removed ? payloadObjects(staged.attachments?.upserts ?? []) : []),
    ],
  };
}

function replacedObjects(
  before: StoredState | undefined,
  after: StoredState | undefined,
): readonly string[] {
  return before === after ? [] : stateObjects(before);
}
