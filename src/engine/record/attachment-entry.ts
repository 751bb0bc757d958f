/** Attachments as a key's record holds them (http-core.md section 8.1). Plain immutable data. */

export interface AttachmentEntry {
  /** UUIDv7; belongs to the name, not to the content. */
  readonly id: string;
  /** Unique in its list. */
  readonly name: string;
  /** Bytes of the payload. */
  readonly size: number;
  /** Lower-case hex SHA-256 of the payload. */
  readonly sha256: string;
  readonly contentType: string;
  readonly createdAtUnix: number;
  readonly updatedAtUnix: number;
  /** Name of the object that holds the payload; of this upload alone. */
  readonly object: string;
}

/**
 * Changes to the attachments of one transaction, in the order in which commit applies them. Being
 * there at all is a change: its commit counts the version up, as the answers said it would.
 */
export interface StagedAttachments {
  /** All committed ones go. */
  readonly cleared: boolean;
  /** Names of committed ones that go; none that is in `upserts` as well. */
  readonly deleted: readonly string[];
  /** Those that come, each in place of a committed one of its name; sorted by name. */
  readonly upserts: readonly AttachmentEntry[];
}

export const noAttachments: readonly AttachmentEntry[] = [];
