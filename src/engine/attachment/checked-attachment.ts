/** Requests about attachments, checked in the order of http-core.md section 10.10. */
import type {
  AttachmentSelector,
  AttachRequest,
  DeleteAttachmentRequest,
  ListAttachmentsRequest,
  RetrieveAttachmentRequest,
} from "../../api/attachments.ts";
import { parseDecimal } from "../../api/decimals.ts";
import { failure } from "../../api/errors.ts";
import { normalizeKey, normalizeNamespace } from "../../api/names.ts";
import type { LeaseClaim } from "../lease/lease-rules.ts";
import {
  attachmentBytesMaxDefault,
  attachmentNameBytesMax,
  attachmentTypeLengthMax,
} from "../limits.ts";
import {
  type CheckedKey,
  checkWriteClaim,
  present,
  requireKeyText,
  requireToken,
} from "../requests/checked.ts";
import type { EntrySelector, UploadIntent } from "./stage-attachment.ts";

export interface CheckedAttach extends UploadIntent {
  readonly contentType: string;
  /** Bytes; Infinity for no limit. */
  readonly bytesMax: number;
}

const typeDefault = "application/octet-stream";

/** A header line has to carry it. */
const typePattern = /^[\x20-\x7e]+$/;

export function checkAttach(request: AttachRequest, defaultNamespace: string): CheckedAttach {
  requireKeyText(request);
  const name = present(request.name);
  if (name === "") throw failure("missing_attachment", "no attachment name given");
  const claim = checkWriteClaim(request, defaultNamespace);
  const bytesMax = checkBytesMax(request);
  checkName(name);
  const type = present(request.contentType);
  if (type !== "" && (type.length > attachmentTypeLengthMax || !typePattern.test(type))) {
    throw failure(
      "invalid_attachment",
      `the content type of "${shown(name)}" must be 1 to ${attachmentTypeLengthMax} printable ` +
        "ASCII characters",
    );
  }
  return {
    claim,
    name,
    contentType: type === "" ? typeDefault : type,
    bytesMax,
    preventOverwrite: request.preventOverwrite ?? false,
  };
}

function checkBytesMax(request: AttachRequest): number {
  const bytesMax = parseDecimal(request.maxBytes, "invalid_max_bytes", "max_bytes");
  if (bytesMax === undefined) return attachmentBytesMaxDefault;
  if (bytesMax < 0) {
    throw failure("invalid_max_bytes", `max_bytes must be at least 0, not ${bytesMax}`);
  }
  return bytesMax === 0 ? Number.POSITIVE_INFINITY : bytesMax;
}

function checkName(name: string): void {
  if (!name.isWellFormed()) {
    throw failure("invalid_attachment", `the name "${shown(name)}" is no valid Unicode text`);
  }
  if (Buffer.byteLength(name) > attachmentNameBytesMax) {
    throw failure(
      "invalid_attachment",
      `the name "${shown(name)}" is longer than ${attachmentNameBytesMax} bytes`,
    );
  }
}

/** Keeps a message readable whatever the name is. */
function shown(name: string): string {
  const printable = name.toWellFormed().replace(/\p{Cc}/gu, " ");
  return printable.length > 80 ? `${printable.slice(0, 77).toWellFormed()}...` : printable;
}

export type CheckedRead =
  | { readonly mode: "public"; readonly target: CheckedKey }
  | { readonly mode: "leased"; readonly claim: LeaseClaim };

/** List and download: public when asked for and no lease id is given. */
export function checkRead(request: ListAttachmentsRequest, defaultNamespace: string): CheckedRead {
  const text = requireKeyText(request);
  const leaseId = present(request.leaseId);
  if (leaseId === "" && request.public === true) {
    const namespace = normalizeNamespace(request.namespace, defaultNamespace);
    return { mode: "public", target: { namespace, key: normalizeKey(text) } };
  }
  const fencingToken = requireToken(request);
  const namespace = normalizeNamespace(request.namespace, defaultNamespace);
  const txnId = present(request.txnId);
  if (txnId === "") throw failure("missing_txn", "no transaction id given");
  const key = normalizeKey(text);
  if (leaseId === "") throw failure("missing_lease", "no lease id given");
  return { mode: "leased", claim: { namespace, key, leaseId, txnId, fencingToken } };
}

export function checkRetrieve(
  request: RetrieveAttachmentRequest,
  defaultNamespace: string,
): { readonly read: CheckedRead; readonly selector: EntrySelector } {
  const read = checkRead(request, defaultNamespace);
  return { read, selector: checkSelector(request) };
}

export function checkDelete(
  request: DeleteAttachmentRequest,
  defaultNamespace: string,
): { readonly claim: LeaseClaim; readonly selector: EntrySelector } {
  const claim = checkWriteClaim(request, defaultNamespace);
  return { claim, selector: checkSelector(request) };
}

function checkSelector(request: AttachmentSelector): EntrySelector {
  const id = present(request.id);
  const name = present(request.name);
  if (id === "" && name === "") {
    throw failure("missing_attachment", "neither a name nor an id of an attachment given");
  }
  return { id: id === "" ? undefined : id, name: name === "" ? undefined : name };
}
