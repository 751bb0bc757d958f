import type { BodyInput, Call, OnceBody } from "./types.ts";

export interface AttachmentInfo {
  /** UUIDv7; stays when the attachment is replaced under its name. */
  id: string;
  name: string;
  /** Bytes. */
  size: number;
  /** Lower-case hex SHA-256 of the bytes. */
  sha256?: string;
  contentType?: string;
  createdAt?: Date;
  updatedAt?: Date;
}

/** Both given: both must match. */
export type AttachmentSelector =
  | { id: string; name?: string | undefined }
  | { id?: string | undefined; name: string };

export interface AttachOptions {
  /** Unique in its key; any text of at most 1024 bytes of UTF-8. */
  name: string;
  /** Streamed, never kept; sent to another endpoint only when it can be read again. */
  body: BodyInput;
  /** `application/octet-stream` by default. */
  contentType?: string | undefined;
  /** Bytes at most; 0: no limit; default 1 TiB. */
  maxBytes?: number | undefined;
  /** Keep an attachment that exists under this name; the result says `noop`. */
  preventOverwrite?: boolean | undefined;
}

export interface AttachResult {
  attachment: AttachmentInfo;
  /** True when `preventOverwrite` kept what was there. */
  noop: boolean;
  version: number;
}

/** An attachment opened for reading; broken bytes reject with `truncated`, never end early. */
export type AttachmentBody = OnceBody & { readonly info: AttachmentInfo };

/** Attachments as anybody sees them. */
export interface AttachmentReader {
  list(o?: Call): Promise<AttachmentInfo[]>;
  /** @throws LockdApiError with code attachment_not_found */
  retrieve(s: AttachmentSelector, o?: Call): Promise<AttachmentBody>;
  /** Opens one at a time; what was not read is closed before the next. */
  retrieveAll(o?: Call): AsyncIterable<AttachmentBody>;
}

/** Attachments under a lease. What is opened here is closed when the session ends. */
export interface AttachmentStore extends AttachmentReader {
  /** Stages; visible to others after the commit. @throws LeaseLostError, LockdApiError */
  attach(a: AttachOptions, o?: Call): Promise<AttachResult>;
  delete(s: AttachmentSelector, o?: Call): Promise<{ deleted: boolean; version?: number }>;
  deleteAll(o?: Call): Promise<{ deleted: number; version?: number }>;
}
