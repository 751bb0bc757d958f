/** get, update, remove, metadata, describe, status (http-core.md sections 10.4 to 10.9). */
import type { DescribeResult, KeyMetadata, Lockd, UpdateResult } from "../../api/lockd.ts";
import { decodeFields, metadataFields } from "../../api/wire.ts";
import type { Exchange } from "../exchange.ts";
import { leaseOf } from "../lease-headers.ts";
import { metadataBodyBytesMax } from "../limits.ts";
import { collectText, stateBody } from "../request-body.ts";
import type { Routes } from "../route.ts";
import { sendStream } from "../send-stream.ts";

function metadataJson(metadata: KeyMetadata): { query_hidden?: true } {
  return metadata.queryHidden === true ? { query_hidden: true } : {};
}

async function get(lockd: Lockd, exchange: Exchange): Promise<void> {
  const isPublic = exchange.query.flag("public");
  const state = await lockd.get({ ...leaseOf(exchange), public: isPublic }, exchange);
  // get takes no body; what came anyway is read and dropped.
  exchange.request.resume();
  if (!state.exists) {
    exchange.empty(204);
    return;
  }
  const headers = [
    "Content-Type",
    "application/json",
    "ETag",
    state.etag,
    "X-Key-Version",
    String(state.version),
  ];
  if (state.fencingToken !== undefined) {
    headers.push("X-Fencing-Token", String(state.fencingToken));
  }
  if (state.body instanceof Uint8Array) exchange.send(200, state.body, headers);
  else await sendStream(exchange, { body: state.body, headers, size: state.size });
}

async function update(lockd: Lockd, exchange: Exchange): Promise<void> {
  const body = await stateBody(exchange);
  const result = await lockd.update(
    {
      ...leaseOf(exchange),
      ifVersion: exchange.header("x-if-version"),
      ifStateEtag: exchange.header("x-if-state-etag"),
      expectedSha256: exchange.header("x-expected-sha256"),
      expectedBytes: exchange.header("x-expected-bytes"),
      queryHidden: exchange.header("x-lockd-meta-query-hidden"),
      release: exchange.header("x-lockd-release") === "commit" ? "commit" : undefined,
    },
    body,
    exchange,
  );
  sendUpdateResult(exchange, result, []);
}

/** The answer of update and mutate. */
export function sendUpdateResult(
  exchange: Exchange,
  result: UpdateResult,
  moreHeaders: readonly string[],
): void {
  const headers = [
    "X-Key-Version",
    String(result.newVersion),
    "ETag",
    result.newStateEtag,
    "X-Fencing-Token",
    String(result.fencingToken),
    ...moreHeaders,
  ];
  if (result.released) headers.push("X-Lockd-Released", "commit");
  const json = JSON.stringify({
    new_version: result.newVersion,
    new_state_etag: result.newStateEtag,
    bytes: result.bytes,
    metadata: metadataJson(result.metadata),
  });
  exchange.json(200, json, headers);
}

async function remove(lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const result = await lockd.remove(
    {
      ...leaseOf(exchange),
      ifVersion: exchange.header("x-if-version"),
      ifStateEtag: exchange.header("x-if-state-etag"),
    },
    exchange,
  );
  const newVersion = result.newVersion === 0 ? undefined : result.newVersion;
  exchange.json(200, JSON.stringify({ removed: result.removed, new_version: newVersion }), [
    "X-Key-Version",
    String(result.newVersion),
    "X-Fencing-Token",
    String(result.fencingToken),
  ]);
}

async function metadata(lockd: Lockd, exchange: Exchange): Promise<void> {
  const queryHidden = await queryHiddenOf(exchange);
  const result = await lockd.updateMetadata(
    {
      ...leaseOf(exchange),
      ifVersion: exchange.header("x-if-version"),
      queryHidden,
    },
    exchange,
  );
  const json = JSON.stringify({
    namespace: result.namespace,
    key: result.key,
    version: result.version,
    metadata: metadataJson(result.metadata),
  });
  exchange.json(200, json, [
    "X-Key-Version",
    String(result.version),
    "X-Fencing-Token",
    String(result.fencingToken),
  ]);
}

/**
 * Header over body. A bad body is handed on as a bad value: the engine, which checks key, lease and
 * token first, then refuses it with the same code at the right place of the order (10.9).
 */
async function queryHiddenOf(exchange: Exchange): Promise<boolean | string | undefined> {
  const header = exchange.header("x-lockd-meta-query-hidden")?.trim();
  try {
    const text = await collectText(exchange, metadataBodyBytesMax, "invalid_metadata");
    const body = text.trim() === "" ? {} : decodeFields(text, metadataFields, "invalid_metadata");
    return header === undefined || header === "" ? body.query_hidden : header;
  } catch (error) {
    return error instanceof Error ? error.message : "a bad body";
  }
}

async function describe(lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const result = await lockd.describe(leaseOf(exchange), exchange);
  exchange.json(200, JSON.stringify(descriptionJson(result)), []);
}

function descriptionJson(result: DescribeResult) {
  return {
    namespace: result.namespace,
    key: result.key,
    owner: result.owner,
    lease_id: result.leaseId,
    expires_at_unix: result.expiresAtUnix,
    version: result.version,
    state_etag: result.stateEtag,
    updated_at_unix: result.updatedAtUnix,
    metadata: metadataJson(result.metadata),
  };
}

/** Extension: who holds, since when, for how much longer, and how many wait. */
async function status(lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const result = await lockd.status(leaseOf(exchange), exchange);
  const json = JSON.stringify({
    ...descriptionJson(result),
    held: result.held,
    txn_id: result.txnId,
    fencing_token: result.fencingToken,
    acquired_at_unix: result.acquiredAtUnix,
    remaining_ms: result.remainingMs,
    staged: result.staged,
    waiters: result.waiters,
  });
  exchange.json(200, json, []);
}

export const stateRoutes: Routes = {
  "/v1/get": { operation: "get", run: get },
  "/v1/update": { operation: "update", run: update },
  "/v1/remove": { operation: "remove", run: remove },
  "/v1/metadata": { operation: "metadata", run: metadata },
  "/v1/describe": { operation: "describe", run: describe },
  "/v1/x/status": { operation: "status", run: status },
};
