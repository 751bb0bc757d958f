import { LockdConfigError } from "../api/errors.ts";
import type {
  AcquireRequest,
  CasConditions,
  GetRequest,
  KeepAliveRequest,
  KeyAddress,
  LeaseAddress,
  MutateRequest,
  ReleaseRequest,
  RemoveRequest,
  UpdateMetadataRequest,
  UpdateRequest,
} from "../api/lockd.ts";
import type { ChangesRequest, NamesRequest, OverviewRequest } from "../api/observation.ts";
import type { WireCall } from "./failover.ts";
import { collectedStateBytesMax, jsonAnswerBytesMax, overviewAnswerBytesMax } from "./limits.ts";
import type { OutgoingBody } from "./outgoing-body.ts";

/** Milliseconds of section 3: one try of an ordinary request, one try of a keepalive. */
export interface TryLimits {
  readonly httpTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
}

const jsonType = ["content-type", "application/json"] as const;

/** The wire form of each verb (http-core.md section 10). Values are sent as given, unchecked. */
export class WireRequests {
  readonly #limits: TryLimits;

  constructor(limits: TryLimits) {
    this.#limits = limits;
  }

  /** `blockSeconds` is that of this turn; the waiting loop counts it down. */
  acquire(request: AcquireRequest, blockSeconds: number | undefined, body: OutgoingBody): WireCall {
    const headers: string[] = [...jsonType];
    add(headers, "x-txn-id", request.txnId);
    addIdempotencyKey(headers, request.idempotencyKey);
    if (request.returnState === true) add(headers, "x-lockd-return-state", "1");
    return this.#post("/v1/acquire", headers, {
      body,
      operation: "acquire",
      tryLimitMs: this.#acquireLimitMs(blockSeconds),
      collectBytesMax: jsonAnswerBytesMax + collectedStateBytesMax,
    });
  }

  keepAlive(request: KeepAliveRequest, body: OutgoingBody): WireCall {
    const headers: string[] = [...jsonType];
    add(headers, "x-fencing-token", request.fencingToken);
    add(headers, "x-txn-id", request.txnId);
    return this.#post("/v1/keepalive", headers, {
      body,
      operation: "keepalive",
      tryLimitMs: this.#limits.keepAliveTimeoutMs,
    });
  }

  release(request: ReleaseRequest, body: OutgoingBody): WireCall {
    const headers: string[] = [...jsonType];
    add(headers, "x-fencing-token", request.fencingToken);
    return this.#post("/v1/release", headers, {
      body,
      operation: "release",
    });
  }

  get(request: GetRequest): WireCall {
    const query = request.public === true ? "&public=1" : "";
    return this.#post(`/v1/get?${keyQuery(request)}${query}`, leaseHeaders(request), {
      operation: "get",
      changes: false,
      collectBytesMax: collectedStateBytesMax,
      mayStream: true,
    });
  }

  update(request: UpdateRequest, body: OutgoingBody): WireCall {
    const headers = [...jsonType, ...leaseHeaders(request)];
    addConditions(headers, request);
    add(headers, "x-expected-sha256", request.expectedSha256);
    add(headers, "x-expected-bytes", request.expectedBytes);
    add(headers, "x-lockd-meta-query-hidden", request.queryHidden);
    add(headers, "x-lockd-release", request.release);
    return this.#post(`/v1/update?${keyQuery(request)}`, headers, {
      body,
      operation: "update",
      repeatable: body.replayable,
    });
  }

  mutate(
    request: MutateRequest,
    sending: { readonly body: OutgoingBody; readonly repeatable: boolean },
  ): WireCall {
    const headers = [...jsonType, ...leaseHeaders(request)];
    addConditions(headers, request);
    add(headers, "x-lockd-meta-query-hidden", request.queryHidden);
    add(headers, "x-lockd-release", request.release);
    return this.#post(`/v1/mutate?${keyQuery(request)}`, headers, {
      ...sending,
      operation: "mutate",
    });
  }

  remove(request: RemoveRequest): WireCall {
    const headers = leaseHeaders(request);
    addConditions(headers, request);
    return this.#post(`/v1/remove?${keyQuery(request)}`, headers, {
      operation: "remove",
    });
  }

  updateMetadata(request: UpdateMetadataRequest, body: OutgoingBody): WireCall {
    const headers = [...jsonType, ...leaseHeaders(request)];
    add(headers, "x-if-version", request.ifVersion);
    if (typeof request.queryHidden === "string") {
      add(headers, "x-lockd-meta-query-hidden", request.queryHidden);
    }
    return this.#post(`/v1/metadata?${keyQuery(request)}`, headers, {
      body,
      operation: "metadata",
    });
  }

  describe(request: KeyAddress): WireCall {
    return this.#read("describe", `/v1/describe?${keyQuery(request)}`);
  }

  status(request: KeyAddress): WireCall {
    return this.#read("status", `/v1/x/status?${keyQuery(request)}`);
  }

  overview(request: OverviewRequest): WireCall {
    const query = queryText({
      namespaces: request.namespaces?.join(","),
      after: request.after,
      limit: request.limit,
      order: request.order,
      filter: request.filter,
    });
    const call = this.#read("overview", `/v1/x/overview${query}`);
    return { ...call, collectBytesMax: overviewAnswerBytesMax };
  }

  names({ kind, namespace, prefix, limit }: NamesRequest): WireCall {
    const call = this.#read("names", `/v1/x/names${queryText({ kind, namespace, prefix, limit })}`);
    return { ...call, collectBytesMax: overviewAnswerBytesMax };
  }

  changes(request: ChangesRequest): WireCall {
    const query = queryText({
      namespace: request.namespace,
      key: request.key,
      prefix: request.prefix,
      queue: request.queue,
      txn: request.txnId,
      after: request.after,
      from_version: request.fromVersion,
    });
    const call = this.#read("changes", `/v1/x/events${query}`);
    return { ...call, mayStream: true };
  }

  #read(operation: string, path: string): WireCall {
    const call = this.#post(path, [], { operation, changes: false });
    return { ...call, method: "GET" };
  }

  #post(
    path: string,
    headers: string[],
    details: Partial<WireCall> & { readonly operation: string },
  ): WireCall {
    const size = details.body?.size;
    if (size !== undefined) headers.push("content-length", String(size));
    return {
      method: "POST",
      path,
      headers,
      body: undefined,
      repeatable: true,
      changes: true,
      tryLimitMs: this.#limits.httpTimeoutMs,
      collectBytesMax: jsonAnswerBytesMax,
      mayStream: false,
      ...details,
    };
  }

  /** A waiting acquire may take its wait, and then as long as any other request. */
  #acquireLimitMs(blockSeconds: number | undefined): number | undefined {
    if (blockSeconds === -1) return this.#limits.httpTimeoutMs;
    if (blockSeconds === undefined || blockSeconds <= 0) return undefined;
    return blockSeconds * 1_000 + this.#limits.httpTimeoutMs;
  }
}

/*
 * The bodies name each member: servers refuse unknown ones, and callers may well pass a whole
 * acquire answer where an address is wanted. Absent members are left out by JSON itself.
 */

/** The body of acquire; `blockSeconds` is that of this turn. */
export function acquireBody(request: AcquireRequest, blockSeconds: number): Uint8Array {
  const { namespace, key, owner, ttlSeconds, ifNotExists, txnId } = request;
  return jsonBytes({
    namespace,
    key,
    owner,
    ttl_seconds: wholeSeconds(ttlSeconds),
    block_seconds: blockSeconds,
    if_not_exists: ifNotExists,
    txn_id: txnId,
  });
}

export function keepAliveBody(request: KeepAliveRequest): Uint8Array {
  const { namespace, key, leaseId, ttlSeconds, txnId } = request;
  const ttl = wholeSeconds(ttlSeconds);
  return jsonBytes({ namespace, key, lease_id: leaseId, ttl_seconds: ttl, txn_id: txnId });
}

export function releaseBody(request: ReleaseRequest): Uint8Array {
  const { namespace, key, leaseId, txnId, rollback } = request;
  return jsonBytes({ namespace, key, lease_id: leaseId, txn_id: txnId, rollback });
}

export function mutateBody({ mutations }: MutateRequest): Uint8Array {
  return jsonBytes({ mutations });
}

function wholeSeconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.ceil(seconds);
}

/** JSON text as bytes. */
export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Proof of a lease as headers. */
export function leaseHeaders(request: LeaseAddress): string[] {
  const headers: string[] = [];
  add(headers, "x-lease-id", request.leaseId);
  add(headers, "x-txn-id", request.txnId);
  add(headers, "x-fencing-token", request.fencingToken);
  return headers;
}

function addConditions(headers: string[], conditions: CasConditions): void {
  add(headers, "x-if-version", conditions.ifVersion);
  add(headers, "x-if-state-etag", conditions.ifStateEtag);
}

/** Sent as given, a blank one too: the server says that it proves nothing. */
function addIdempotencyKey(headers: string[], key: string | undefined): void {
  if (key === undefined) return;
  if (key.trim() === "") headers.push("x-idempotency-key", "");
  else add(headers, "x-idempotency-key", key);
}

/** Adds a header; an absent or blank value is left out, as the contract reads both alike. */
function add(headers: string[], name: string, value: string | number | boolean | undefined): void {
  if (value === undefined) return;
  const text = String(value).trim();
  if (text === "") return;
  if (!/^[\x20-\x7e]+$/.test(text)) {
    const message = `the value for ${name} has characters that a header cannot carry`;
    throw new LockdConfigError("invalid_option", message);
  }
  headers.push(name, text);
}

/** Characters that need no escaping in a query; nearly every key consists of these. */
const plainText = /^[A-Za-z0-9._/-]*$/;

/** The parameters that address a key. */
export function keyQuery(request: KeyAddress): string {
  const key = `key=${escapeQuery(request.key ?? "")}`;
  const { namespace } = request;
  return namespace === undefined || namespace === ""
    ? key
    : `${key}&namespace=${escapeQuery(namespace)}`;
}

/** `?a=1&b=2` of what is given; empty when nothing is. */
function queryText(members: Readonly<Record<string, string | number | undefined>>): string {
  const parts = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${escapeQuery(String(value))}`],
  );
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/** A value as it stands in a query. */
export function escapeQuery(text: string): string {
  return plainText.test(text) ? text : new URLSearchParams([["", text]]).toString().slice(1);
}
