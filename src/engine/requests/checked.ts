/**
 * Turns what callers send into what the engine works with, checking in the order of the endpoint's
 * section in http-core.md, so that every carrier reports the same mistake first.
 */

import { parseDecimal, parseEtag, parseQueryHidden } from "../../api/decimals.ts";
import { failure, LqlSyntaxError } from "../../api/errors.ts";
import type {
  GetRequest,
  KeepAliveRequest,
  KeyAddress,
  LeaseAddress,
  MutateRequest,
  ReleaseRequest,
  RemoveRequest,
  UpdateMetadataRequest,
  UpdateRequest,
} from "../../api/lockd.ts";
import {
  isQueueStateKey,
  type Key,
  type Namespace,
  normalizeKey,
  normalizeNamespace,
} from "../../api/names.ts";
import type { Mutation } from "../../lql/mutation/mutation.ts";
import { parseMutations } from "../../lql/mutation/parse-mutations.ts";
import type { CasClaim, LeaseClaim } from "../lease/lease-rules.ts";

export interface CheckedKey {
  readonly namespace: Namespace;
  readonly key: Key;
}

export function present(raw: string | undefined): string {
  return raw === undefined ? "" : raw.trim();
}

export function requireToken(request: LeaseAddress): number {
  const token = parseDecimal(request.fencingToken, "invalid_fencing_token", "the fencing token");
  if (token === undefined) throw failure("missing_fencing_token", "no fencing token given");
  return token;
}

function requireKey(request: KeyAddress, defaultNamespace: string): CheckedKey {
  const text = requireKeyText(request);
  const namespace = normalizeNamespace(request.namespace, defaultNamespace);
  return { namespace, key: normalizeKey(text) };
}

export function requireKeyText(request: KeyAddress): string {
  const text = present(request.key);
  if (text === "") throw failure("missing_key", "no key given");
  return text;
}

function requireLeaseId(request: LeaseAddress): string {
  const leaseId = present(request.leaseId);
  if (leaseId === "") throw failure("missing_lease", "no lease id given");
  return leaseId;
}

function requireTxnId(request: LeaseAddress): string {
  const txnId = present(request.txnId);
  if (txnId === "") throw failure("missing_txn", "no transaction id given");
  return txnId;
}

export function checkKeyOnly(request: KeyAddress, defaultNamespace: string): CheckedKey {
  return requireKey(request, defaultNamespace);
}

/** Section 10.2. A missing transaction id is the lease check's business. */
export function checkKeepAlive(request: KeepAliveRequest, defaultNamespace: string): LeaseClaim {
  const fencingToken = requireToken(request);
  const namespace = normalizeNamespace(request.namespace, defaultNamespace);
  const key = normalizeKey(requireKeyText(request));
  const leaseId = requireLeaseId(request);
  if (isQueueStateKey(key)) {
    throw failure(
      "queue_state_keepalive_unsupported",
      `${key} is the state of a queue message; extend the message instead`,
    );
  }
  const txnId = present(request.txnId);
  return { namespace, key, leaseId, fencingToken, txnId: txnId === "" ? undefined : txnId };
}

/** Section 10.3. */
export function checkRelease(request: ReleaseRequest, defaultNamespace: string): LeaseClaim {
  const fencingToken = requireToken(request);
  const namespace = normalizeNamespace(request.namespace, defaultNamespace);
  const key = normalizeKey(requireKeyText(request));
  const leaseId = requireLeaseId(request);
  return { namespace, key, leaseId, fencingToken, txnId: requireTxnId(request) };
}

export type CheckedGet =
  | { readonly mode: "public"; readonly target: CheckedKey }
  | { readonly mode: "leased"; readonly claim: LeaseClaim };

/** Section 10.5: a lease id always wins; neither lease, token nor public reports the token. */
export function checkGet(request: GetRequest, defaultNamespace: string): CheckedGet {
  const text = present(request.key);
  if (text === "") throw failure("missing_params", "no key given");
  const leaseId = present(request.leaseId);
  if (leaseId === "" && request.public === true) {
    const namespace = normalizeNamespace(request.namespace, defaultNamespace);
    return { mode: "public", target: { namespace, key: normalizeKey(text) } };
  }
  const fencingToken = requireToken(request);
  const namespace = normalizeNamespace(request.namespace, defaultNamespace);
  const key = normalizeKey(text);
  if (leaseId === "") {
    throw failure("missing_params", `${key}: neither a lease id nor public mode given`);
  }
  return { mode: "leased", claim: { namespace, key, leaseId, fencingToken, txnId: undefined } };
}

/** What every change of a key checks before anything of its own (sections 10.6, 10.8, 10.10). */
export function checkWriteClaim(request: LeaseAddress, defaultNamespace: string): LeaseClaim {
  const { namespace, key } = requireKey(request, defaultNamespace);
  const leaseId = requireLeaseId(request);
  const txnId = requireTxnId(request);
  return { namespace, key, leaseId, txnId, fencingToken: requireToken(request) };
}

function checkCas(request: RemoveRequest): CasClaim {
  return {
    ifVersion: parseDecimal(request.ifVersion, "invalid_version", "the version condition"),
    ifStateEtag: parseEtag(request.ifStateEtag),
  };
}

export interface CheckedUpdate {
  readonly claim: LeaseClaim;
  readonly cas: CasClaim;
  readonly expectedBytes: number | undefined;
  /** Lower case. */
  readonly expectedSha256: string | undefined;
  readonly queryHidden: boolean | undefined;
  readonly release: boolean;
}

const sha256Pattern = /^[0-9a-fA-F]{64}$/;

/** Section 10.6, everything before the body is read. */
export function checkUpdate(request: UpdateRequest, defaultNamespace: string): CheckedUpdate {
  const claim = checkWriteClaim(request, defaultNamespace);
  const cas = checkCas(request);
  const expectedBytes = parseDecimal(
    request.expectedBytes,
    "invalid_expected_bytes",
    "the expected length",
  );
  if (expectedBytes !== undefined && expectedBytes < 0) {
    throw failure("invalid_expected_bytes", "the expected length must be at least 0");
  }
  const queryHidden = parseQueryHidden(request.queryHidden);
  const sha256 = present(request.expectedSha256);
  if (sha256 !== "" && !sha256Pattern.test(sha256)) {
    throw failure("invalid_expected_sha256", "the expected SHA-256 must be 64 hex digits");
  }
  return {
    claim,
    cas,
    expectedBytes,
    expectedSha256: sha256 === "" ? undefined : sha256.toLowerCase(),
    queryHidden,
    release: request.release === "commit",
  };
}

export interface CheckedMutate {
  readonly claim: LeaseClaim;
  readonly cas: CasClaim;
  readonly mutations: readonly Mutation[];
  readonly queryHidden: boolean | undefined;
  readonly release: boolean;
}

/** Section 10.7, everything before the lease is looked at; `now` is what NOW stands for. */
export function checkMutate(
  request: MutateRequest,
  options: { readonly defaultNamespace: string; readonly now: Date },
): CheckedMutate {
  const text = requireKeyText(request);
  if (request.mutations.every((expression) => expression.trim() === "")) {
    throw failure("invalid_body", `${text}: no mutations given; send for example "/count++"`);
  }
  const namespace = normalizeNamespace(request.namespace, options.defaultNamespace);
  const leaseId = requireLeaseId(request);
  const txnId = requireTxnId(request);
  const fencingToken = requireToken(request);
  const cas = checkCas(request);
  const queryHidden = parseQueryHidden(request.queryHidden);
  const mutations = parsedMutations(request.mutations, options.now);
  const key = normalizeKey(text);
  const claim = { namespace, key, leaseId, txnId, fencingToken };
  return { claim, cas, mutations, queryHidden, release: request.release === "commit" };
}

function parsedMutations(expressions: readonly string[], now: Date): readonly Mutation[] {
  try {
    return parseMutations(expressions, { now, files: "refuse" });
  } catch (error) {
    if (!(error instanceof LqlSyntaxError)) throw error;
    throw failure("invalid_mutations", error.message, { cause: error });
  }
}

/** Section 10.8. */
export function checkRemove(
  request: RemoveRequest,
  defaultNamespace: string,
): { readonly claim: LeaseClaim; readonly cas: CasClaim } {
  return { claim: checkWriteClaim(request, defaultNamespace), cas: checkCas(request) };
}

/** Section 10.9: the only endpoint that looks at names last. */
export function checkUpdateMetadata(
  request: UpdateMetadataRequest,
  defaultNamespace: string,
): {
  readonly claim: LeaseClaim;
  readonly ifVersion: number | undefined;
  readonly queryHidden: boolean;
} {
  const text = requireKeyText(request);
  const leaseId = requireLeaseId(request);
  const txnId = requireTxnId(request);
  const fencingToken = requireToken(request);
  const queryHidden = parseQueryHidden(request.queryHidden);
  if (queryHidden === undefined) {
    throw failure("invalid_metadata", `${text}: nothing to change; set query_hidden`);
  }
  const ifVersion = parseDecimal(request.ifVersion, "invalid_version", "the version condition");
  const namespace = normalizeNamespace(request.namespace, defaultNamespace);
  const key = normalizeKey(text);
  return { claim: { namespace, key, leaseId, txnId, fencingToken }, ifVersion, queryHidden };
}
