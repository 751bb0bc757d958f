/** Commit of one key's staged changes (http-core.md sections 8.3 and 8.10). Pure. */
import type { KeyRecord, StoredState } from "../record/key-record.ts";
import type { Cleaned } from "../transition.ts";

/**
 * The record with its staged changes committed and its lease cleared: a pointer switch, no copy.
 * Whatever state stood there before becomes garbage.
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
  const version = changesState ? staged.version : record.version;
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
      lease: undefined,
      staged: undefined,
      updatedAtUnix: nowUnix,
      lastCommit,
    },
    garbage: changesState ? replacedObjects(record.state, state) : [],
  };
}

function replacedObjects(
  before: StoredState | undefined,
  after: StoredState | undefined,
): readonly string[] {
  return before?.place.kind === "object" && before !== after ? [before.place.name] : [];
}
