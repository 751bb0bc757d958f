/**
 * Every code lockd can answer, in one place: HTTP status, exit code, whether the same request may
 * simply be sent again, what it means and what to do next. `docs/errors.md` is kept equal to this
 * table by `test/api/error-registry.test.ts`.
 *
 * Sources: http-core.md section 5, cli.md section 5 (exit codes), client-sdk.md section 14.
 */

import { documentErrors } from "./document-errors.ts";
import {
  conflict,
  type ErrorEntry,
  type ExitCode,
  exitCodes,
  leaseLost,
  local,
  rejected,
  unavailable,
} from "./error-entry.ts";
import { fenceErrors } from "./fence-errors.ts";
import { observationErrors } from "./observation-errors.ts";
import { queueErrors } from "./queue-errors.ts";
import { transactionErrors } from "./transaction-errors.ts";
import { transportErrors } from "./transport-errors.ts";

export { type ErrorEntry, type ExitCode, exitCodes };

export const errorRegistry = {
  // 400: the request itself is wrong; nothing was changed.
  invalid_body: rejected(
    "the JSON body or state cannot be decoded, has an unknown field or is over the limit",
    "send exactly one JSON value of the documented shape",
  ),
  invalid_namespace: rejected(
    "the namespace is malformed or reserved",
    "use 1 to 128 of a-z 0-9 . _ - without a leading dot",
  ),
  invalid_key: rejected(
    "the key is malformed",
    "use segments of a-z 0-9 . _ - joined by single slashes, 128 bytes in all",
  ),
  missing_key: rejected("no key was given", "name the key"),
  missing_params: rejected(
    "get needs a key, and either a lease or public mode",
    "add the key, or a lease id with its fencing token, or public=1",
  ),
  missing_owner: rejected("acquire needs an owner", "say who acquires: a host, job or person"),
  missing_lease: rejected("no lease id was given", "acquire the key first and pass its lease id"),
  missing_txn: rejected(
    "no transaction id was given",
    "pass the txn_id that acquire answered with",
  ),
  missing_fencing_token: rejected(
    "no fencing token was given",
    "pass the fencing token that acquire answered with",
  ),
  invalid_fencing_token: rejected(
    "the fencing token is not a decimal integer",
    "pass the token exactly as acquire gave it",
  ),
  invalid_txn: rejected(
    "the transaction id is not an xid",
    "pass 20 characters of 0-9 a-v, the last one 0 or g, or none",
  ),
  invalid_ttl: rejected("the lease time is not positive", "ask for at least one second"),
  invalid_version: rejected("the version condition is not an integer", "pass a decimal version"),
  invalid_expected_sha256: rejected(
    "the expected checksum is not 64 hex digits",
    "pass the SHA-256 of the body as sent",
  ),
  invalid_expected_bytes: rejected(
    "the expected length is not an integer of at least 0",
    "pass the length of the body as sent",
  ),
  invalid_metadata: rejected(
    "the metadata change is malformed or empty",
    "set query_hidden to true or false",
  ),
  missing_body: rejected("the call came without a body", "send the state as the body"),
  // 403: the lease does not (any longer) allow this.
  lease_required: leaseLost(
    "the key is not held under this lease id",
    "stop the work this lease guarded and acquire again; `get --public` needs no lease",
  ),
  lease_expired: leaseLost(
    "the lease ran out before this call",
    "stop the work this lease guarded and acquire again, with a longer ttl or keepalives",
  ),
  fencing_mismatch: leaseLost(
    "the fencing token is not the one of this lease",
    "use the token of the same acquire as the lease id",
  ),
  queue_state_keepalive_unsupported: {
    status: 403,
    exit: exitCodes.denied,
    retryable: false,
    meaning: "queue state leases are not kept alive one by one",
    next: "extend the message instead",
  },
  // 404, 405
  not_found: {
    status: 404,
    exit: exitCodes.notFound,
    retryable: false,
    meaning: "no such path or object",
    next: "check the spelling",
  },
  staged_state_missing: {
    status: 404,
    exit: exitCodes.notFound,
    retryable: false,
    meaning: "the record points at a state whose bytes are gone",
    next: "roll back, then run `lockd verify store`",
  },
  state_not_found: {
    status: 404,
    exit: exitCodes.notFound,
    retryable: false,
    meaning: "the key has no state",
    next: "write it first, or allow an empty state",
  },
  method_not_allowed: {
    status: 405,
    exit: exitCodes.rejected,
    retryable: false,
    meaning: "the path does not know this method",
    next: "use a method of the Allow header",
  },
  // 409
  waiting: {
    status: 409,
    exit: exitCodes.wouldBlock,
    retryable: true,
    meaning: "the key is held by somebody else and the wait is over",
    next: "wait longer, or see `lockd status KEY`",
  },
  already_exists: conflict("the key already exists", "acquire it without the create-only option"),
  version_conflict: conflict(
    "the state has another version than expected",
    "read it again and repeat the change",
  ),
  etag_mismatch: conflict(
    "the state has other content than expected",
    "read it again and repeat the change",
  ),
  txn_mismatch: conflict(
    "the lease or its staged changes belong to another transaction",
    "pass the txn_id of the acquire that took this lease",
  ),
  expected_bytes_mismatch: conflict(
    "the body has another length than announced",
    "send it again; it was damaged on the way or changed while it was read",
  ),
  expected_sha256_mismatch: conflict(
    "the body has another checksum than announced",
    "send it again; it was damaged on the way or changed while it was read",
  ),
  cas_mismatch: {
    status: 409,
    exit: exitCodes.conflict,
    retryable: true,
    meaning: "other writers kept changing the record, or a `meta_etag` is an old one",
    next: 'try again; of a message, with its newest etag: eval "$(lockd extend --output env)"',
  },
  // 413, 429
  document_too_large: {
    status: 413,
    exit: exitCodes.rejected,
    retryable: false,
    meaning: "the document is above the size limit",
    next: "raise json-max or store it elsewhere",
  },
  throttled: {
    status: 429,
    exit: exitCodes.throttled,
    retryable: true,
    meaning: "the server sheds load",
    next: "wait for Retry-After and try again",
  },
  overloaded: {
    status: 429,
    exit: exitCodes.throttled,
    retryable: true,
    meaning: "a bounded resource of the server is used up",
    next: "wait for Retry-After and try again",
  },
  // 5xx
  internal_error: {
    status: 500,
    exit: exitCodes.error,
    retryable: false,
    meaning: "an unexpected failure inside lockd",
    next: "see the server's log under the correlation id and report it",
  },
  node_passive: unavailable(
    503,
    "this node does not own the store",
    "use another endpoint or wait for Retry-After",
  ),
  shutdown_draining: unavailable(
    503,
    "the server is shutting down and grants nothing new",
    "use another endpoint or wait for Retry-After",
  ),
  state_not_published: unavailable(
    503,
    "the committed state is not readable yet",
    "try again in a moment",
  ),
  store_unavailable: unavailable(
    503,
    "the store does not answer, or an outcome could not be found out",
    "try again; if it stays, run `lockd verify store`",
  ),
  store_owned: {
    status: 503,
    exit: exitCodes.unavailable,
    retryable: false,
    meaning: "a server owns this store and cannot be reached from here",
    next: "talk to that server with --server",
  },
  store_full: {
    status: 507,
    exit: exitCodes.unavailable,
    retryable: true,
    meaning: "the store has no space left; nothing was changed",
    next: "free space and try again; reads go on",
  },
  store_read_only: {
    status: 503,
    exit: exitCodes.unavailable,
    retryable: false,
    meaning: "the store cannot be written",
    next: "check mount and permissions with `lockd verify store`",
  },
  store_failed: {
    status: 503,
    exit: exitCodes.unavailable,
    retryable: false,
    meaning: "the device below the store failed; this process writes no more",
    next: "check the disk, then restart lockd",
  },
  store_corrupt: {
    status: 500,
    exit: exitCodes.error,
    retryable: false,
    meaning: "a stored record is damaged or of a version this lockd does not know",
    next: "use a newer lockd, or restore this key from a backup",
  },
  // Never on the wire: client, command line, embedding.
  usage: local(exitCodes.usage, "the command line is wrong", "see --help"),
  invalid_option: local(exitCodes.usage, "an option has an impossible value", "see the docs"),
  invalid_store: local(
    exitCodes.usage,
    "the store URL is wrong",
    "see `lockd verify store --help`",
  ),
  store_unusable: local(
    exitCodes.unavailable,
    "the store cannot be opened",
    "check path, permissions and space with `lockd verify store`",
  ),
  store_version_unknown: local(
    exitCodes.unavailable,
    "the store was written by a newer lockd",
    "use that version; nothing was changed",
  ),
  listen_failed: local(
    exitCodes.unavailable,
    "the server cannot listen on an address",
    "choose another --listen, or stop what uses the address",
  ),
  transport: local(
    exitCodes.unavailable,
    "no endpoint gave a usable answer",
    "check that the server runs and the address is right",
  ),
  tls_fatal: local(exitCodes.denied, "TLS refused the connection", "check bundle and certificates"),
  truncated: local(exitCodes.unavailable, "the answer broke off", "try again"),
  protocol: local(exitCodes.error, "the answer is not of the lockd protocol", "check the endpoint"),
  timeout: local(
    exitCodes.timeout,
    "the time limit of this call passed",
    "raise the limit: --timeout, or --wait-timeout and --for of `lockd watch`",
  ),
  acquire_timeout: local(
    exitCodes.wouldBlock,
    "the key stayed held for the whole wait",
    "wait longer, or see `lockd status KEY`",
  ),
  already_held: local(
    exitCodes.wouldBlock,
    "the key is held by what this command itself runs under",
    "work under the lease that is there, or take another key",
  ),
  session_closed: local(exitCodes.error, "the session was released", "acquire again"),
  server_draining: local(
    exitCodes.unavailable,
    "the server of this session is shutting down",
    "acquire again through another endpoint",
  ),
  output_failed: local(
    exitCodes.error,
    "standard output took no more",
    "make room where it goes; what the command did stays done",
  ),
  already_there: local(exitCodes.conflict, "the target file exists", "pass --force to replace it"),
  file_unwritable: local(
    exitCodes.error,
    "a file that the command was to write cannot be written",
    "check its path, its permissions and the space left",
  ),
  file_busy: local(
    exitCodes.unavailable,
    "another process changes the same file",
    "try again; if it stays, remove the lock files it names",
  ),
  verify_failed: local(
    exitCodes.verifyFailed,
    "a check of the store failed",
    "mend what the failing check names",
  ),
  command_not_started: local(
    127 as ExitCode,
    "the command of `lockd run` was not found",
    "check its name and the PATH",
  ),
  command_not_executable: local(
    126 as ExitCode,
    "the command of `lockd run` exists but cannot be executed",
    "check its permissions and its first line",
  ),
  self_fenced: local(
    exitCodes.leaseLost,
    "the lease could not be renewed in time and the command was stopped",
    "see the log for why renewals failed; raise --ttl if the store is slow",
  ),
  internal: local(exitCodes.error, "an unexpected failure", "please report it"),
  ...documentErrors,
  ...observationErrors,
  ...fenceErrors,
  ...queueErrors,
  ...transactionErrors,
  ...transportErrors,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorRegistry;

/** The entry of a code; undefined for codes this version does not know (a newer server's). */
export function errorEntry(code: string): ErrorEntry | undefined {
  return Object.hasOwn(errorRegistry, code) ? errorRegistry[code as ErrorCode] : undefined;
}
