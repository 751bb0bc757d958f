import { LockdProtocolError } from "../api/errors.ts";
import type {
  AcquireResult,
  DescribeResult,
  KeepAliveResult,
  KeyMetadata,
  MutateResult,
  ReleaseResult,
  RemoveResult,
  StateResult,
  StatusResult,
  UpdateMetadataResult,
  UpdateResult,
} from "../api/lockd.ts";
import { type AnswerHeaders, headerDecimal, headerText } from "./answer-headers.ts";
import { receivedCorrelationId } from "./correlation-id.ts";
import type { EndpointAnswer } from "./failover.ts";
import { JsonAnswer } from "./json-answer.ts";

/** The lease token of an answer, or the one that was sent. */
export function tokenOf(headers: AnswerHeaders, sent: number | string | undefined): number {
  const answered = headerDecimal(headers, "x-fencing-token");
  if (answered !== undefined) return answered;
  const own = Number(sent ?? 0);
  return Number.isSafeInteger(own) ? own : 0;
}

/** The body of an answer that is a document. @throws LockdProtocolError */
export function smallBody(answer: EndpointAnswer): Uint8Array {
  if (answer.body instanceof Uint8Array) return answer.body;
  throw new LockdProtocolError("protocol", "the answer is a stream where a document was expected");
}

function metadataOf(json: JsonAnswer): KeyMetadata {
  return json.object("metadata")?.flag("query_hidden") === true ? { queryHidden: true } : {};
}

/** Decodes acquire, and takes the state off its end when the server sent it along. */
export function acquireResult(answer: EndpointAnswer): AcquireResult {
  const bytes = smallBody(answer);
  const returned = headerText(answer.headers, "x-lockd-returned-state");
  const size =
    returned === undefined || returned === "none"
      ? 0
      : (headerDecimal(answer.headers, "x-lockd-returned-state") ?? 0);
  if (size > bytes.byteLength) {
    throw new LockdProtocolError("protocol", "the returned state is longer than the answer");
  }
  const split = bytes.byteLength - size;
  const json = new JsonAnswer(bytes.subarray(0, split));
  const version = json.integerOr("version", 0);
  const stateEtag = json.textOr("state_etag", undefined);
  const fencingToken = json.integer("fencing_token");
  const header = receivedCorrelationId(headerText(answer.headers, "x-correlation-id"));
  return {
    namespace: json.text("namespace"),
    key: json.text("key"),
    owner: json.text("owner"),
    leaseId: json.text("lease_id"),
    txnId: json.text("txn_id"),
    expiresAtUnix: json.integer("expires_at_unix"),
    version,
    stateEtag,
    fencingToken,
    correlationId: header ?? json.textOr("correlation_id", undefined) ?? "",
    ...(isReplay(answer) ? { replayed: true } : {}),
    state:
      returned === undefined
        ? undefined
        : {
            exists: returned !== "none",
            version: returned === "none" ? 0 : version,
            etag: returned === "none" ? "" : (stateEtag ?? ""),
            size,
            body: bytes.subarray(split),
            fencingToken,
          },
  };
}

function isReplay({ headers }: EndpointAnswer): boolean {
  return headerText(headers, "x-idempotent-replay")?.trim().toLowerCase() === "true";
}

export function keepAliveResult(
  answer: EndpointAnswer,
  sentToken: number | string | undefined,
): KeepAliveResult {
  const json = new JsonAnswer(smallBody(answer));
  return {
    expiresAtUnix: json.integer("expires_at_unix"),
    fencingToken: tokenOf(answer.headers, sentToken),
    version: json.integerOr("version", 0),
    stateEtag: json.textOr("state_etag", undefined),
  };
}

export function releaseResult(answer: EndpointAnswer): ReleaseResult {
  if (new JsonAnswer(smallBody(answer)).flag("released") === true) return { released: true };
  throw new LockdProtocolError("protocol", "the server answered released: false");
}

export function stateResult(answer: EndpointAnswer): StateResult {
  const fencingToken = headerDecimal(answer.headers, "x-fencing-token");
  if (answer.status === 204) {
    const body = new Uint8Array(0);
    return { exists: false, version: 0, etag: "", size: 0, body, fencingToken };
  }
  const etag = headerText(answer.headers, "etag")?.replace(/^(W\/)?"?|"$/g, "");
  const version = headerDecimal(answer.headers, "x-key-version");
  if (etag === undefined || version === undefined) {
    throw new LockdProtocolError("protocol", "the answer carries a state without etag or version");
  }
  const { body } = answer;
  const size =
    body instanceof Uint8Array
      ? body.byteLength
      : (headerDecimal(answer.headers, "content-length") ?? -1);
  return { exists: true, version, etag, size, body, fencingToken };
}

export function updateResult(
  answer: EndpointAnswer,
  sentToken: number | string | undefined,
): UpdateResult {
  const json = new JsonAnswer(smallBody(answer));
  return {
    newVersion: json.integer("new_version"),
    newStateEtag: json.text("new_state_etag"),
    bytes: json.integerOr("bytes", 0),
    metadata: metadataOf(json),
    fencingToken: tokenOf(answer.headers, sentToken),
    released: headerText(answer.headers, "x-lockd-released") === "commit",
  };
}

export function mutateResult(
  answer: EndpointAnswer,
  sentToken: number | string | undefined,
): MutateResult {
  const counter = (name: string): number =>
    headerDecimal(answer.headers, `x-lockd-mutate-${name}`) ?? 0;
  return {
    ...updateResult(answer, sentToken),
    counters: {
      candidatesSeen: counter("candidates-seen"),
      candidatesWritten: counter("candidates-written"),
      bytesRead: counter("bytes-read"),
      bytesWritten: counter("bytes-written"),
      bytesCaptured: counter("bytes-captured"),
      spillCount: counter("spill-count"),
      spillBytes: counter("spill-bytes"),
    },
  };
}

export function removeResult(
  answer: EndpointAnswer,
  sentToken: number | string | undefined,
): RemoveResult {
  const json = new JsonAnswer(smallBody(answer));
  const inHeader = headerDecimal(answer.headers, "x-key-version");
  return {
    removed: json.flag("removed") === true,
    newVersion: json.integerOr("new_version", inHeader ?? 0),
    fencingToken: tokenOf(answer.headers, sentToken),
  };
}

export function updateMetadataResult(
  answer: EndpointAnswer,
  sentToken: number | string | undefined,
): UpdateMetadataResult {
  const json = new JsonAnswer(smallBody(answer));
  return {
    namespace: json.text("namespace"),
    key: json.text("key"),
    version: json.integer("version"),
    metadata: metadataOf(json),
    fencingToken: tokenOf(answer.headers, sentToken),
  };
}

export function describeResult(answer: EndpointAnswer): DescribeResult {
  return described(new JsonAnswer(smallBody(answer)));
}

function described(json: JsonAnswer): DescribeResult {
  return {
    namespace: json.text("namespace"),
    key: json.text("key"),
    owner: json.textOr("owner", undefined),
    leaseId: json.textOr("lease_id", undefined),
    expiresAtUnix: json.integerOr("expires_at_unix", undefined),
    version: json.integerOr("version", 0),
    stateEtag: json.textOr("state_etag", undefined),
    updatedAtUnix: json.integerOr("updated_at_unix", undefined),
    metadata: metadataOf(json),
  };
}

export function statusResult(answer: EndpointAnswer): StatusResult {
  const json = new JsonAnswer(smallBody(answer));
  return {
    ...described(json),
    held: json.flag("held") === true,
    acquiredAtUnix: json.integerOr("acquired_at_unix", undefined),
    fencingToken: json.integerOr("fencing_token", 0),
    txnId: json.textOr("txn_id", undefined),
    remainingMs: json.millisecondsOr("remaining_ms", undefined),
    waiters: json.integerOr("waiters", undefined),
    staged: json.flag("staged") === true,
  };
}

/** What describe lets one say about a key when the server has no status. */
export function statusOfDescription(description: DescribeResult, wallMs: number): StatusResult {
  const { leaseId, expiresAtUnix } = description;
  const remainingMs = expiresAtUnix === undefined ? 0 : expiresAtUnix * 1_000 - wallMs;
  const held = leaseId !== undefined && remainingMs > 0;
  return {
    ...description,
    held,
    acquiredAtUnix: undefined,
    fencingToken: 0,
    txnId: undefined,
    remainingMs: held ? Math.round(remainingMs) : undefined,
    waiters: undefined,
    staged: false,
  };
}
