/**
 * The attachment face of lockd (http-core.md section 10.10): files beside the state of a key, of
 * any length, staged and committed together with it. Others see them from the commit on; rollback
 * and expiry take back what was not committed.
 *
 * Requests are unchecked, as everywhere in `Lockd`; instants are Unix seconds.
 */
import type { BodyIn, BodyOut, Decimal, LeaseAddress, LockdCall } from "./lockd.ts";

/** What is known of one attachment. */
export interface AttachmentInfo {
  /** UUIDv7; stays when the attachment is replaced under its name. */
  readonly id: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex SHA-256 of the bytes as uploaded; undefined when the server does not say. */
  readonly sha256: string | undefined;
  readonly contentType: string;
  readonly createdAtUnix: number;
  readonly updatedAtUnix: number;
}

export interface AttachRequest extends LeaseAddress {
  /** Any UTF-8 text; unique in its key, compared byte by byte. */
  readonly name?: string | undefined;
  /** `application/octet-stream` when absent. */
  readonly contentType?: string | undefined;
  /** Bytes at most; 0: no limit; absent: 1 TiB. */
  readonly maxBytes?: Decimal | undefined;
  /** Answer an attachment that exists under this name instead of replacing it. */
  readonly preventOverwrite?: boolean | undefined;
}

export interface AttachResult {
  /** What was staged, or with `noop` what was there. */
  readonly attachment: AttachmentInfo;
  /** True when `preventOverwrite` found the name taken; then nothing was staged. */
  readonly noop: boolean;
  /** Staged version; with `noop` the effective one, 0 when nothing was ever committed. */
  readonly version: number;
  readonly fencingToken: number;
}

export interface ListAttachmentsRequest extends LeaseAddress {
  /** The committed ones, without a lease; a lease id always wins. */
  readonly public?: boolean | undefined;
}

export interface AttachmentList {
  readonly namespace: string;
  /** As asked for, trimmed. */
  readonly key: string;
  /** Sorted by the bytes of their names. */
  readonly attachments: readonly AttachmentInfo[];
}

/** Which attachment; when both are given both must match. */
export interface AttachmentSelector {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}

export interface RetrieveAttachmentRequest extends ListAttachmentsRequest, AttachmentSelector {}

export interface RetrievedAttachment {
  readonly attachment: AttachmentInfo;
  /** The bytes as uploaded. A carrier may break off: compare length and SHA-256 at the end. */
  readonly body: BodyOut;
}

export interface DeleteAttachmentRequest extends LeaseAddress, AttachmentSelector {}

export interface DeleteAttachmentResult {
  /** False when the holder's view had no such attachment; then nothing was staged. */
  readonly deleted: boolean;
  /** Staged version, or the effective one when nothing was staged; may be 0. */
  readonly version: number;
  readonly fencingToken: number;
}

export interface DeleteAllAttachmentsResult {
  /** Attachments in the holder's view before. */
  readonly deleted: number;
  readonly version: number;
  readonly fencingToken: number;
}

export interface Attachments {
  /**
   * Stages an attachment, replacing one of the same name. The body is read once, as fast as it can
   * be stored; when it breaks off nothing is left.
   * @throws attachment_too_large, too_many_attachments, invalid_attachment, lease errors
   */
  attach(request: AttachRequest, body: BodyIn, call?: LockdCall): Promise<AttachResult>;
  /** The holder's view with a lease, the committed one with `public`. */
  list(request: ListAttachmentsRequest, call?: LockdCall): Promise<AttachmentList>;
  /** Opens one attachment; its body must be read or closed. @throws attachment_not_found */
  retrieve(request: RetrieveAttachmentRequest, call?: LockdCall): Promise<RetrievedAttachment>;
  /** Stages the deletion of one attachment. */
  delete(request: DeleteAttachmentRequest, call?: LockdCall): Promise<DeleteAttachmentResult>;
  /** Stages the deletion of all attachments. */
  deleteAll(request: LeaseAddress, call?: LockdCall): Promise<DeleteAllAttachmentsResult>;
}
