/** Which objects beside the record it points at: the bytes of states and attachments. Pure. */
import type { AttachmentEntry } from "./attachment-entry.ts";
import type { KeyRecord, Staged, StoredState } from "./key-record.ts";

/** The object of a state that is not inside the record. */
export function stateObjects(state: StoredState | undefined): readonly string[] {
  return state?.place.kind === "object" ? [state.place.name] : [];
}

export function payloadObjects(entries: readonly AttachmentEntry[]): readonly string[] {
  return entries.map(({ object }) => object);
}

/** Objects that only the staged half of a record points at. */
export function stagedObjects(staged: Staged | undefined): readonly string[] {
  if (staged === undefined) return [];
  const { attachments } = staged;
  const objects = stateObjects(staged.state);
  return attachments === undefined ? objects : [...objects, ...payloadObjects(attachments.upserts)];
}

/** Everything that must not be deleted while the record is as it is. */
export function referencedObjects(record: KeyRecord): readonly string[] {
  return [
    ...stateObjects(record.state),
    ...payloadObjects(record.attachments),
    ...stagedObjects(record.staged),
  ];
}
