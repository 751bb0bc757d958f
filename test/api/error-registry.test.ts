/** The registry, its documentation and the classes of errors belong together. */
import { expect, test } from "vitest";
import { isFresh, pages } from "../../scripts/error-docs.ts";
import { type ErrorCode, errorEntry, errorRegistry } from "../../src/api/error-registry.ts";
import {
  apiErrorOf,
  ConflictError,
  failure,
  LeaseLostError,
  ThrottledError,
} from "../../src/api/errors.ts";

test.each(Object.keys(pages) as (keyof typeof pages)[])(
  "docs/%s is fresh (npm run docs)",
  (name) => {
    expect(isFresh(name)).toBe(true);
  },
);

test("every code says what it means and what to do, without a full stop", () => {
  for (const [code, entry] of Object.entries(errorRegistry)) {
    expect(code).toMatch(/^[a-z0-9_]+$/);
    for (const text of [entry.meaning, entry.next]) {
      expect(text.length).toBeGreaterThan(8);
      expect(text).not.toMatch(/\.$/);
    }
  }
});

test("exit codes follow the contract's table", () => {
  const exits: Partial<Record<ErrorCode, number>> = {
    internal_error: 1,
    usage: 2,
    not_found: 3,
    version_conflict: 4,
    already_exists: 4,
    cas_mismatch: 4,
    txn_mismatch: 4,
    waiting: 5,
    lease_required: 6,
    lease_expired: 6,
    fencing_mismatch: 6,
    tls_fatal: 7,
    transport: 8,
    node_passive: 8,
    shutdown_draining: 8,
    throttled: 9,
    timeout: 10,
    verify_failed: 11,
    invalid_body: 12,
    missing_txn: 12,
  };
  for (const [code, exit] of Object.entries(exits)) expect(errorEntry(code)?.exit).toBe(exit);
});

test("codes make errors of their class, unknown ones of the general class", () => {
  expect(failure("lease_expired", "x")).toBeInstanceOf(LeaseLostError);
  expect(failure("etag_mismatch", "x")).toBeInstanceOf(ConflictError);
  expect(failure("overloaded", "x")).toBeInstanceOf(ThrottledError);
  expect(apiErrorOf("of_a_newer_server", "x", { status: 418 })).toMatchObject({
    name: "LockdApiError",
    status: 418,
  });
});
