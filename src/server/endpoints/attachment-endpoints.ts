/** Upload, list, download and deletion of attachments (http-core.md section 10.10). */
import type { AttachmentInfo } from "../../api/attachments.ts";
import type { ServedLockd } from "../../api/lockd.ts";
import type { Exchange } from "../exchange.ts";
import { leaseOf } from "../lease-headers.ts";
import { methodNotAllowed } from "../method-not-allowed.ts";
import { stateBody } from "../request-body.ts";
import { discardBody } from "../request-chunks.ts";
import type { Routes } from "../route.ts";
import { sendStream } from "../send-stream.ts";

function all(lockd: ServedLockd, exchange: Exchange): Promise<void> {
  switch (exchange.request.method) {
    case "POST":
      return upload(lockd, exchange);
    case "GET":
      return list(lockd, exchange);
    case "DELETE":
      return deleteAll(lockd, exchange);
    default:
      methodNotAllowed(exchange, "GET, POST, DELETE");
      return Promise.resolve();
  }
}

function one(lockd: ServedLockd, exchange: Exchange): Promise<void> {
  switch (exchange.request.method) {
    case "GET":
      return download(lockd, exchange);
    case "DELETE":
      return deleteOne(lockd, exchange);
    default:
      methodNotAllowed(exchange, "GET, DELETE");
      return Promise.resolve();
  }
}

function selectorOf({ query }: Exchange) {
  return { id: query.get("id"), name: query.get("name") };
}

async function upload(lockd: ServedLockd, exchange: Exchange): Promise<void> {
  const { query } = exchange;
  const body = await stateBody(exchange);
  const result = await lockd.attachments.attach(
    {
      ...leaseOf(exchange),
      name: query.get("name"),
      contentType: query.get("content_type") || exchange.header("content-type"),
      maxBytes: query.get("max_bytes"),
      preventOverwrite: query.flag("prevent_overwrite"),
    },
    body,
    exchange,
  );
  // Of a no-op the body is not wanted, but the connection's next request comes behind it.
  discardBody(exchange.request);
  const { attachment, noop, version, fencingToken } = result;
  const headers = ["X-Attachment-ID", attachment.id];
  if (version > 0) headers.push("X-Key-Version", String(version));
  if (!noop) headers.push("X-Fencing-Token", String(fencingToken));
  const json = JSON.stringify({
    attachment: infoJson(attachment),
    noop: noop ? true : undefined,
    version: version === 0 ? undefined : version,
  });
  exchange.json(200, json, headers);
}

function infoJson(info: AttachmentInfo) {
  return {
    id: info.id,
    name: info.name,
    size: info.size,
    plaintext_sha256: info.sha256,
    content_type: info.contentType === "" ? undefined : info.contentType,
    created_at_unix: info.createdAtUnix === 0 ? undefined : info.createdAtUnix,
    updated_at_unix: info.updatedAtUnix === 0 ? undefined : info.updatedAtUnix,
  };
}

async function list(lockd: ServedLockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const isPublic = exchange.query.flag("public");
  const { namespace, key, attachments } = await lockd.attachments.list(
    { ...leaseOf(exchange), public: isPublic },
    exchange,
  );
  const json = JSON.stringify({ namespace, key, attachments: attachments.map(infoJson) });
  exchange.json(200, json, []);
}

async function download(lockd: ServedLockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const isPublic = exchange.query.flag("public");
  const request = { ...leaseOf(exchange), ...selectorOf(exchange), public: isPublic };
  const { attachment, body } = await lockd.attachments.retrieve(request, exchange);
  const headers = infoHeaders(attachment);
  if (body instanceof Uint8Array) exchange.send(200, body, headers);
  else await sendStream(exchange, { body, headers, size: attachment.size });
}

function infoHeaders(info: AttachmentInfo): string[] {
  const headers = [
    "Content-Type",
    info.contentType === "" ? "application/octet-stream" : info.contentType,
    "X-Attachment-ID",
    info.id,
    "X-Attachment-Created-At",
    String(info.createdAtUnix),
    "X-Attachment-Updated-At",
    String(info.updatedAtUnix),
  ];
  const name = headerBytes(info.name);
  // A header value is never empty; a name of control characters alone would be.
  if (name.trim() !== "") headers.push("X-Attachment-Name", name);
  if (info.size > 0) headers.push("X-Attachment-Size", String(info.size));
  if (info.sha256 !== undefined) headers.push("X-Attachment-SHA256", info.sha256);
  return headers;
}

/** A header is written as Latin-1: one character for each byte of the name's UTF-8. */
function headerBytes(name: string): string {
  return Buffer.from(name.replace(/\p{Cc}/gu, " ")).toString("latin1");
}

async function deleteOne(lockd: ServedLockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const request = { ...leaseOf(exchange), ...selectorOf(exchange) };
  sendDeletion(exchange, await lockd.attachments.delete(request, exchange));
}

async function deleteAll(lockd: ServedLockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  sendDeletion(exchange, await lockd.attachments.deleteAll(leaseOf(exchange), exchange));
}

function sendDeletion(
  exchange: Exchange,
  result: {
    readonly deleted: boolean | number;
    readonly version: number;
    readonly fencingToken: number;
  },
): void {
  const { deleted, version, fencingToken } = result;
  const headers = ["X-Fencing-Token", String(fencingToken)];
  if (version > 0) headers.push("X-Key-Version", String(version));
  const json = { deleted, version: version === 0 ? undefined : version };
  exchange.json(200, JSON.stringify(json), headers);
}

export const attachmentRoutes: Routes = {
  "/v1/attachments": { operation: "attachments", run: all },
  "/v1/attachment": { operation: "attachment", run: one },
};
