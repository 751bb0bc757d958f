/** The wire form of each verb of attachments and its answer (http-core.md section 10.10). */
import type {
  AttachmentInfo,
  AttachmentList,
  AttachmentSelector,
  AttachRequest,
  AttachResult,
  DeleteAllAttachmentsResult,
  DeleteAttachmentRequest,
  DeleteAttachmentResult,
  ListAttachmentsRequest,
  RetrieveAttachmentRequest,
  RetrievedAttachment,
} from "../api/attachments.ts";
import { LockdProtocolError } from "../api/errors.ts";
import type { KeyAddress, LeaseAddress } from "../api/lockd.ts";
import { type AnswerHeaders, headerDecimal, headerText } from "./answer-headers.ts";
import type { EndpointAnswer, WireCall } from "./failover.ts";
import { JsonAnswer } from "./json-answer.ts";
import { attachmentListBytesMax, collectedStateBytesMax, jsonAnswerBytesMax } from "./limits.ts";
import type { OutgoingBody } from "./outgoing-body.ts";
import { smallBody, tokenOf } from "./wire-answer.ts";
import { escapeQuery, keyQuery, leaseHeaders } from "./wire-request.ts";

function wireCall(
  method: WireCall["method"],
  path: string,
  details: Pick<WireCall, "operation" | "headers" | "tryLimitMs" | "changes"> & Partial<WireCall>,
): WireCall {
  return {
    method,
    path,
    body: undefined,
    repeatable: true,
    collectBytesMax: jsonAnswerBytesMax,
    mayStream: false,
    ...details,
  };
}

function query(address: KeyAddress, parameters: Readonly<Record<string, string | undefined>>) {
  let text = keyQuery(address);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") text += `&${name}=${escapeQuery(value)}`;
  }
  return text;
}

/** No limit of its own: an upload takes as long as it takes. */
export function attachCall(request: AttachRequest, body: OutgoingBody): WireCall {
  const { name, contentType, maxBytes, preventOverwrite } = request;
  const headers = leaseHeaders(request);
  headers.push("content-type", "application/octet-stream");
  if (body.size !== undefined) headers.push("content-length", String(body.size));
  const parameters = query(request, {
    name,
    content_type: contentType,
    max_bytes: maxBytes === undefined ? undefined : String(maxBytes),
    prevent_overwrite: preventOverwrite === true ? "1" : undefined,
  });
  return wireCall("POST", `/v1/attachments?${parameters}`, {
    operation: "attach",
    headers,
    body,
    changes: true,
    tryLimitMs: undefined,
    repeatable: body.replayable,
  });
}

function readParameters(request: ListAttachmentsRequest & AttachmentSelector): string {
  const { id, name } = request;
  return query(request, { public: request.public === true ? "1" : undefined, id, name });
}

export function listCall(request: ListAttachmentsRequest, tryLimitMs: number): WireCall {
  return wireCall("GET", `/v1/attachments?${readParameters(request)}`, {
    operation: "list attachments",
    headers: leaseHeaders(request),
    changes: false,
    tryLimitMs,
    collectBytesMax: attachmentListBytesMax,
  });
}

export function retrieveCall(request: RetrieveAttachmentRequest, tryLimitMs: number): WireCall {
  return wireCall("GET", `/v1/attachment?${readParameters(request)}`, {
    operation: "retrieve attachment",
    headers: leaseHeaders(request),
    changes: false,
    tryLimitMs,
    collectBytesMax: collectedStateBytesMax,
    mayStream: true,
  });
}

export function deleteCall(request: DeleteAttachmentRequest, tryLimitMs: number): WireCall {
  const { id, name } = request;
  return wireCall("DELETE", `/v1/attachment?${query(request, { id, name })}`, {
    operation: "delete attachment",
    headers: leaseHeaders(request),
    changes: true,
    tryLimitMs,
  });
}

export function deleteAllCall(request: LeaseAddress, tryLimitMs: number): WireCall {
  return wireCall("DELETE", `/v1/attachments?${keyQuery(request)}`, {
    operation: "delete attachments",
    headers: leaseHeaders(request),
    changes: true,
    tryLimitMs,
  });
}

function infoOf(json: JsonAnswer): AttachmentInfo {
  return {
    id: json.text("id"),
    name: json.text("name"),
    size: json.integerOr("size", 0),
    sha256: json.textOr("plaintext_sha256", undefined),
    contentType: json.textOr("content_type", ""),
    createdAtUnix: json.integerOr("created_at_unix", 0),
    updatedAtUnix: json.integerOr("updated_at_unix", 0),
  };
}

export function attachResult(
  answer: EndpointAnswer,
  sentToken: LeaseAddress["fencingToken"],
): AttachResult {
  const json = new JsonAnswer(smallBody(answer));
  const attachment = json.object("attachment");
  if (attachment === undefined) {
    throw new LockdProtocolError("protocol", "the answer names no attachment");
  }
  return {
    attachment: infoOf(attachment),
    noop: json.flag("noop") === true,
    version: json.integerOr("version", 0),
    fencingToken: tokenOf(answer.headers, sentToken),
  };
}

export function attachmentList(answer: EndpointAnswer): AttachmentList {
  const json = new JsonAnswer(smallBody(answer));
  return {
    namespace: json.text("namespace"),
    key: json.text("key"),
    attachments: json.objects("attachments").map(infoOf),
  };
}

export function retrievedAttachment(
  answer: EndpointAnswer,
  request: AttachmentSelector,
): RetrievedAttachment {
  const { headers, body } = answer;
  const attachment: AttachmentInfo = {
    id: headerText(headers, "x-attachment-id") ?? request.id ?? "",
    // The header's control characters were replaced: what was asked for is nearer to the truth.
    name: request.name?.trim() || utf8Text(headerText(headers, "x-attachment-name") ?? ""),
    size: sizeOf(headers, body instanceof Uint8Array ? body.byteLength : undefined),
    sha256: headerText(headers, "x-attachment-sha256"),
    contentType: headerText(headers, "content-type") ?? "",
    createdAtUnix: headerDecimal(headers, "x-attachment-created-at") ?? 0,
    updatedAtUnix: headerDecimal(headers, "x-attachment-updated-at") ?? 0,
  };
  return { attachment, body };
}

/** The text whose UTF-8 bytes a header carried: HTTP libraries take each byte for a character. */
function utf8Text(value: string): string {
  return Buffer.from(value, "latin1").toString("utf8");
}

function sizeOf(headers: AnswerHeaders, collected: number | undefined): number {
  const told = headerDecimal(headers, "x-attachment-size");
  return told ?? headerDecimal(headers, "content-length") ?? collected ?? -1;
}

export function deleteResult(
  answer: EndpointAnswer,
  sentToken: LeaseAddress["fencingToken"],
): DeleteAttachmentResult {
  const json = new JsonAnswer(smallBody(answer));
  return {
    deleted: json.flag("deleted") === true,
    version: json.integerOr("version", 0),
    fencingToken: tokenOf(answer.headers, sentToken),
  };
}

export function deleteAllResult(
  answer: EndpointAnswer,
  sentToken: LeaseAddress["fencingToken"],
): DeleteAllAttachmentsResult {
  const json = new JsonAnswer(smallBody(answer));
  return {
    deleted: json.integer("deleted"),
    version: json.integerOr("version", 0),
    fencingToken: tokenOf(answer.headers, sentToken),
  };
}
