/** acquire, keepalive, release (http-core.md sections 10.1 to 10.3). */
import { parseDecimal } from "../../api/decimals.ts";
import { failure } from "../../api/errors.ts";
import type { AcquireRequest, AcquireResult, Lockd } from "../../api/lockd.ts";
import {
  acquireFields,
  type Decoded,
  decodeFields,
  type FieldKinds,
  keepAliveFields,
  releaseFields,
} from "../../api/wire.ts";
import type { Exchange } from "../exchange.ts";
import { leaseBodyBytesMax } from "../limits.ts";
import { collectText } from "../request-body.ts";
import type { Routes } from "../route.ts";

/** In a function of its own, so that nothing of the body is held while the caller waits. */
async function acquireRequest(exchange: Exchange): Promise<AcquireRequest> {
  const text = await collectText(exchange, leaseBodyBytesMax, "invalid_body");
  const body = decodeFields(text, acquireFields, "invalid_body");
  return {
    namespace: nonEmpty(body.namespace) ?? exchange.query.get("namespace"),
    key: nonEmpty(body.key) ?? exchange.query.get("key"),
    owner: body.owner,
    ttlSeconds: body.ttl_seconds,
    blockSeconds: body.block_seconds,
    ifNotExists: body.if_not_exists,
    txnId: nonEmpty(body.txn_id) ?? exchange.header("x-txn-id"),
    idempotencyKey: exchange.header("x-idempotency-key"),
    returnState: exchange.header("x-lockd-return-state") === "1",
  };
}

async function acquire(lockd: Lockd, exchange: Exchange): Promise<void> {
  const request = await acquireRequest(exchange);
  if (request.blockSeconds !== -1) exchange.forgetHeaders();
  const result = await lockd.acquire(request, exchange);
  const { returnState } = request;
  const json = acquireJson(result);
  const headers = [
    "X-Fencing-Token",
    String(result.fencingToken),
    "X-Key-Version",
    String(result.version),
  ];
  if (result.replayed === true) headers.push("X-Idempotent-Replay", "true");
  const { state } = result;
  if (returnState !== true || state === undefined || !(state.body instanceof Uint8Array)) {
    exchange.json(200, json, headers);
    return;
  }
  headers.push("X-Lockd-Returned-State", state.exists ? String(state.size) : "none");
  headers.push("Content-Type", "application/vnd.lockd.acquire-with-state");
  exchange.send(200, Buffer.concat([Buffer.from(json), state.body]), headers);
}

function acquireJson(result: AcquireResult): string {
  return JSON.stringify({
    namespace: result.namespace,
    lease_id: result.leaseId,
    txn_id: result.txnId,
    key: result.key,
    owner: result.owner,
    expires_at_unix: result.expiresAtUnix,
    version: result.version,
    state_etag: result.stateEtag,
    fencing_token: result.fencingToken,
    correlation_id: result.correlationId,
  });
}

async function keepAlive(lockd: Lockd, exchange: Exchange): Promise<void> {
  const body = await leaseBody(exchange, keepAliveFields);
  const result = await lockd.keepAlive(
    {
      ...addressOf(exchange, body),
      ttlSeconds: body.ttl_seconds,
      txnId: nonEmpty(exchange.header("x-txn-id")?.trim()) ?? body.txn_id,
    },
    exchange,
  );
  const json = JSON.stringify({
    expires_at_unix: result.expiresAtUnix,
    version: result.version === 0 ? undefined : result.version,
    state_etag: result.stateEtag,
  });
  exchange.json(200, json, ["X-Fencing-Token", String(result.fencingToken)]);
}

async function release(lockd: Lockd, exchange: Exchange): Promise<void> {
  const body = await leaseBody(exchange, releaseFields);
  await lockd.release(
    { ...addressOf(exchange, body), rollback: body.rollback, txnId: body.txn_id },
    exchange,
  );
  exchange.json(200, '{"released":true}', []);
}

interface LeaseFields {
  readonly namespace?: string;
  readonly key?: string;
  readonly lease_id?: string;
}

function addressOf(exchange: Exchange, body: LeaseFields) {
  return {
    namespace: nonEmpty(body.namespace) ?? exchange.query.get("namespace"),
    key: nonEmpty(body.key) ?? exchange.query.get("key"),
    leaseId: body.lease_id,
    fencingToken: exchange.header("x-fencing-token"),
  };
}

/** The body; a bad one is reported only when the token, which comes first, is right. */
async function leaseBody<Fields extends FieldKinds>(
  exchange: Exchange,
  fields: Fields,
): Promise<Decoded<Fields>> {
  try {
    const text = await collectText(exchange, leaseBodyBytesMax, "invalid_body");
    return decodeFields(text, fields, "invalid_body");
  } catch (error) {
    const token = exchange.header("x-fencing-token");
    if (parseDecimal(token, "invalid_fencing_token", "the fencing token") === undefined) {
      throw failure("missing_fencing_token", "no fencing token given");
    }
    throw error;
  }
}

export function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text;
}

export const leaseRoutes: Routes = {
  "/v1/acquire": { operation: "acquire", run: acquire },
  "/v1/keepalive": { operation: "keepalive", run: keepAlive },
  "/v1/release": { operation: "release", run: release },
};
