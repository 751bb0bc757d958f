/** Calls of the simulated clients, and their outcomes in the few words the checkers need. */
import { LockdError } from "../../src/api/errors.ts";
import type { CasConditions, Lockd, StateResult } from "../../src/api/lockd.ts";
import { type Answer, type LeaseRef, sha256, wholeBody } from "./answer.ts";
import { type FileCall, fileAnswer } from "./file-calls.ts";

export interface AcquireCall {
  readonly verb: "acquire";
  readonly key: string;
  readonly owner: string;
  readonly ttlSeconds: number;
  readonly blockSeconds: number;
  readonly ifNotExists: boolean;
  readonly returnState: boolean;
}

export interface KeepAliveCall {
  readonly verb: "keepAlive";
  readonly key: string;
  readonly lease: LeaseRef;
  readonly ttlSeconds: number;
}

export interface UpdateCall {
  readonly verb: "update";
  readonly key: string;
  readonly lease: LeaseRef;
  readonly cas: { readonly ifVersion?: number; readonly ifStateEtag?: string };
  readonly body: Uint8Array;
  /** What the etag of the state will be: the body is compact already. */
  readonly etag: string;
  readonly fused: boolean;
}

export interface RemoveCall {
  readonly verb: "remove";
  readonly key: string;
  readonly lease: LeaseRef;
  readonly cas: { readonly ifVersion?: number; readonly ifStateEtag?: string };
}

export interface GetCall {
  readonly verb: "get";
  readonly key: string;
  /** undefined: public. */
  readonly lease: LeaseRef | undefined;
}

export interface ReleaseCall {
  readonly verb: "release";
  readonly key: string;
  readonly lease: LeaseRef;
  readonly rollback: boolean;
}

export interface StatusCall {
  readonly verb: "status";
  readonly key: string;
}

export type Call =
  | AcquireCall
  | KeepAliveCall
  | UpdateCall
  | RemoveCall
  | GetCall
  | ReleaseCall
  | StatusCall
  | FileCall;

export type Outcome =
  | { readonly kind: "ok"; readonly answer: Answer }
  | { readonly kind: "failed"; readonly code: string; readonly unknown: boolean }
  /** Not a lockd error at all, or an answer that contradicts itself: always a bug. */
  | { readonly kind: "broken"; readonly what: string };

/** What an aborted call is rejected with. */
export class CallerGone extends Error {
  override readonly name = "CallerGone";
}

export async function performCall(lockd: Lockd, call: Call, signal: AbortSignal): Promise<Outcome> {
  try {
    return { kind: "ok", answer: await answerOf(lockd, call, signal) };
  } catch (error) {
    if (error instanceof CallerGone) return { kind: "failed", code: "caller_gone", unknown: true };
    if (error instanceof LockdError) {
      return { kind: "failed", code: error.code, unknown: error.outcomeUnknown };
    }
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { kind: "broken", what };
  }
}

async function answerOf(lockd: Lockd, call: Call, signal: AbortSignal): Promise<Answer> {
  switch (call.verb) {
    case "acquire":
      return acquireAnswer(lockd, call, signal);
    case "keepAlive": {
      const kept = await lockd.keepAlive({ ...call.lease, ttlSeconds: call.ttlSeconds });
      const { expiresAtUnix, version, stateEtag } = kept;
      return { token: kept.fencingToken, expiresAtUnix, version, etag: stateEtag ?? "" };
    }
    case "update": {
      const request = { ...call.lease, ...(call.cas satisfies CasConditions) };
      const updated = await lockd.update(
        call.fused ? { ...request, release: "commit" } : request,
        call.body,
        { signal },
      );
      if (updated.released !== call.fused) throw new TypeError("released is not what was asked");
      if (updated.newStateEtag !== call.etag) throw new TypeError("the etag is not the body's");
      return { version: updated.newVersion, etag: updated.newStateEtag };
    }
    case "remove": {
      const removed = await lockd.remove({ ...call.lease, ...call.cas });
      return { removed: removed.removed, version: removed.newVersion };
    }
    case "get": {
      const request =
        call.lease === undefined ? { key: call.key, public: true } : { ...call.lease };
      return stateAnswer(await lockd.get(request));
    }
    case "release":
      await lockd.release({ ...call.lease, rollback: call.rollback });
      return {};
    case "attach":
    case "detach":
    case "files":
    case "readFile":
      return fileAnswer(lockd, call, signal);
    default: {
      const status = await lockd.status({ key: call.key });
      const { held, version } = status;
      const answer = { held, version, token: status.fencingToken, etag: status.stateEtag ?? "" };
      return status.waiters === undefined ? answer : { ...answer, waiters: status.waiters };
    }
  }
}

async function acquireAnswer(
  lockd: Lockd,
  call: AcquireCall,
  signal: AbortSignal,
): Promise<Answer> {
  const { key, owner, ttlSeconds, blockSeconds, ifNotExists, returnState } = call;
  const lease = await lockd.acquire(
    { key, owner, ttlSeconds, blockSeconds, ifNotExists, returnState },
    { signal },
  );
  const { leaseId, txnId, fencingToken, version, expiresAtUnix } = lease;
  const etag = lease.stateEtag ?? "";
  if (lease.state !== undefined) {
    const state = await stateAnswer(lease.state);
    if (state.etag !== etag) throw new TypeError("the returned state is not the lease's");
    if (state.exists && state.version !== version) throw new TypeError("returned version differs");
  }
  return {
    token: fencingToken,
    version,
    etag,
    expiresAtUnix,
    lease: { key, leaseId, txnId, fencingToken },
  };
}

async function stateAnswer(state: StateResult): Promise<Answer> {
  const { exists, version, etag } = state;
  if (exists && sha256(await wholeBody(state.body)) !== etag) {
    throw new TypeError("the body read is not the one the etag names");
  }
  return { exists, version, etag };
}

/** A compact JSON state that no other write of the run has; large ones go beside the record. */
export function uniqueState(text: string, large: boolean): Uint8Array {
  const padding = large ? `,"p":"${"x".repeat(9_000)}"` : "";
  return Buffer.from(`{"v":"${text}"${padding}}`);
}

/** One call in a few words, for traces and reports. */
export function describeCall(call: Call): string {
  const token = "lease" in call && call.lease !== undefined ? ` #${call.lease.fencingToken}` : "";
  switch (call.verb) {
    case "acquire": {
      const only = call.ifNotExists ? " create-only" : "";
      return `acquire ${call.key} ttl=${call.ttlSeconds} block=${call.blockSeconds}${only}`;
    }
    case "update": {
      const fused = call.fused ? " and release" : "";
      const cas = JSON.stringify(call.cas);
      return `update ${call.key}${token} ${call.etag.slice(0, 6)}${fused} ${cas}`;
    }
    case "release":
      return `release ${call.key}${token}${call.rollback ? " rollback" : ""}`;
    case "get":
      return `get ${call.key}${call.lease === undefined ? " public" : token}`;
    case "attach": {
      const only = call.preventOverwrite ? " unless there" : "";
      return `attach ${call.key}${token} ${call.name}=${call.sha256.slice(0, 10)}${only}`;
    }
    case "detach":
    case "readFile":
      return `${call.verb} ${call.key}${token} ${call.name ?? "all"}`;
    default:
      return `${call.verb} ${call.key}${token}`;
  }
}

export function describeOutcome(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "(never answered)";
  if (outcome.kind === "failed") return `${outcome.code}${outcome.unknown ? " (unknown)" : ""}`;
  if (outcome.kind === "broken") return `BROKEN ${outcome.what}`;
  const { token, version, etag, removed, exists, held } = outcome.answer;
  const { noop, deleted, files, file } = outcome.answer;
  const words = [
    token === undefined ? "" : `#${token}`,
    version === undefined ? "" : `v${version}`,
    etag === undefined ? "" : `etag=${etag.slice(0, 6) || "-"}`,
    removed === undefined ? "" : `removed=${removed}`,
    exists === undefined ? "" : `exists=${exists}`,
    held === undefined ? "" : `held=${held}`,
    noop === true ? "noop" : "",
    deleted === undefined ? "" : `deleted=${deleted}`,
    files === undefined ? "" : `files=${files}`,
    file === undefined ? "" : `file=${file.slice(0, 10)}`,
  ];
  return `ok ${words.filter((word) => word !== "").join(" ")}`;
}
