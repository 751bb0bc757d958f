/** The decision engine row by row (transactions-and-islands.md section 5). */
import { describe, expect, test } from "vitest";
import { type DecisionRequest, decideTxn } from "../../../src/engine/txn/decide-txn.ts";
import type { DecisionMarker, Participant, TxnRecord } from "../../../src/engine/txn/txn-record.ts";

const times = { nowUnix: 1_000, nowMs: 1_000_700, retentionSeconds: 100, defaultTtlSeconds: 30 };
const txnId = "0000000000000000001g";

function participant(key: string, backendHash = ""): Participant {
  return { backendHash, namespace: "default", key, applied: false };
}

function record(fields: Partial<TxnRecord> = {}): TxnRecord {
  return {
    txnId,
    state: "pending",
    participants: [participant("a")],
    expiresAtUnix: 1_020,
    tcTerm: 0,
    createdAtUnix: 990,
    updatedAtUnix: 990,
    decidedAtMs: 0,
    ...fields,
  };
}

function marker(fields: Partial<DecisionMarker> = {}): DecisionMarker {
  return {
    txnId,
    state: "commit",
    tcTerm: 0,
    createdAtUnix: 900,
    decidedAtUnix: 950,
    expiresAtUnix: 2_000,
    participants: [],
    ...fields,
  };
}

function ask(fields: Partial<DecisionRequest> = {}): DecisionRequest {
  return { txnId, state: "commit", participants: [], expiresAtUnix: 0, tcTerm: 0, ...fields };
}

const nothing = { record: undefined, marker: undefined };

describe("D1: what is remembered", () => {
  const view = (known: DecisionMarker) => ({ record: undefined, marker: known });

  test("the same decision is answered, and its participants applied again", () => {
    const again = [participant("b")];
    expect(decideTxn(view(marker()), ask({ participants: again }), times)).toEqual({
      kind: "remembered",
      state: "commit",
      decidedAtMs: 950_000,
      again,
    });
  });

  test("the other one is answered as it stands without terms, refused with them", () => {
    const rollback = ask({ state: "rollback" });
    expect(decideTxn(view(marker()), rollback, times)).toMatchObject({
      kind: "remembered",
      state: "commit",
      again: [],
    });
    const termed = decideTxn(view(marker({ tcTerm: 3 })), { ...rollback, tcTerm: 3 }, times);
    expect(termed).toMatchObject({ kind: "refuse", error: { code: "txn_conflict" } });
  });

  test.each([
    [0, "tc_term_required"],
    [2, "tc_term_stale"],
  ])("term %i against 3: %s", (tcTerm, code) => {
    const decision = decideTxn(view(marker({ tcTerm: 3 })), ask({ tcTerm }), times);
    expect(decision).toMatchObject({ kind: "refuse", error: { code } });
  });

  test("beyond the retention it is forgotten", () => {
    const decision = decideTxn(
      view(marker({ expiresAtUnix: 1_000 })),
      ask({ state: "rollback" }),
      times,
    );
    expect(decision).toMatchObject({ kind: "recorded", record: { state: "rollback" } });
  });

  test("a committed id may be used again, one that was rolled back may not", () => {
    const pending = ask({ state: "pending" });
    expect(decideTxn(view(marker()), pending, times)).toMatchObject({ kind: "recorded" });
    const refused = decideTxn(view(marker({ state: "rollback" })), pending, times);
    expect(refused).toMatchObject({ kind: "refuse", error: { code: "txn_conflict" } });
  });

  test("but no message begins a committed one again: it comes late", () => {
    const late = { ...ask({ state: "pending" }), sends: true as const };
    const refused = decideTxn(view(marker()), late, times);
    expect(refused).toMatchObject({ kind: "refuse", error: { code: "txn_conflict" } });
    const forgotten = decideTxn(view(marker({ expiresAtUnix: 1_000 })), late, times);
    expect(forgotten).toMatchObject({ kind: "recorded", record: { state: "pending" } });
    const begun = { record: record(), marker: marker() };
    expect(decideTxn(begun, late, times)).toMatchObject({ kind: "recorded" });
  });
});

describe("D2, D3: new records and what is merged into old ones", () => {
  test("a new record without a deadline gets the default", () => {
    expect(decideTxn(nothing, ask({ state: "pending" }), times)).toMatchObject({
      kind: "recorded",
      changed: true,
      record: { state: "pending", expiresAtUnix: 1_030, createdAtUnix: 1_000 },
    });
  });

  test("participants are sorted, once each, and an empty hash is filled", () => {
    const view = { record: record(), marker: undefined };
    const participants = [participant("b"), participant("a", "h1")];
    const decision = decideTxn(view, ask({ state: "pending", participants }), times);
    expect(decision).toMatchObject({
      record: { participants: [{ key: "b" }, { key: "a", backendHash: "h1" }] },
    });
  });

  test("the deadline moves out, never in; nothing new is not written", () => {
    const view = { record: record(), marker: undefined };
    const later = ask({ state: "pending", expiresAtUnix: 1_050 });
    expect(decideTxn(view, later, times)).toMatchObject({ record: { expiresAtUnix: 1_050 } });
    const earlier = ask({ state: "pending", expiresAtUnix: 1_010 });
    expect(decideTxn(view, earlier, times)).toMatchObject({
      changed: false,
      record: { expiresAtUnix: 1_020 },
    });
  });
});

describe("D4 to D7", () => {
  test.each([
    [0, "tc_term_required"],
    [4, "tc_term_stale"],
  ])("D4: term %i against 5: %s", (tcTerm, code) => {
    const view = { record: record({ tcTerm: 5 }), marker: undefined };
    expect(decideTxn(view, ask({ tcTerm }), times)).toMatchObject({
      kind: "refuse",
      error: { code },
    });
  });

  test("D5: a stored decision never changes", () => {
    const decided = record({ state: "rollback", expiresAtUnix: 1_100 });
    for (const state of ["commit", "pending"] as const) {
      const decision = decideTxn({ record: decided, marker: undefined }, ask({ state }), times);
      expect(decision).toEqual({ kind: "recorded", record: decided, changed: false });
      const termed = decideTxn(
        { record: { ...decided, tcTerm: 2 }, marker: undefined },
        ask({ state, tcTerm: 2 }),
        times,
      );
      expect(termed).toMatchObject({ kind: "refuse", error: { code: "txn_conflict" } });
    }
  });

  test("D6: what expired cannot be committed; equality counts as expired", () => {
    const view = { record: record({ expiresAtUnix: 1_000 }), marker: undefined };
    expect(decideTxn(view, ask(), times)).toMatchObject({
      record: { state: "rollback", expiresAtUnix: 1_100 },
    });
    const extended = decideTxn(view, ask({ expiresAtUnix: 1_001 }), times);
    expect(extended).toMatchObject({ record: { state: "commit" } });
  });

  test("D7: the same decision again takes more participants and a higher term", () => {
    const view = { record: record({ state: "commit", tcTerm: 1 }), marker: undefined };
    const decision = decideTxn(view, ask({ tcTerm: 2, participants: [participant("z")] }), times);
    expect(decision).toMatchObject({
      changed: true,
      record: { state: "commit", tcTerm: 2, participants: [{ key: "a" }, { key: "z" }] },
    });
  });

  test("a thousand participants are enough", () => {
    const participants = Array.from({ length: 1_001 }, (_, at) => participant(`k${at}`));
    expect(decideTxn(nothing, ask({ participants }), times)).toMatchObject({
      kind: "refuse",
      error: { code: "invalid_body" },
    });
  });
});

describe("recovery decides nothing that is not due", () => {
  test("a transaction that was kept alive meanwhile is left alone", () => {
    const view = { record: record(), marker: undefined };
    const expire = ask({ state: "rollback", only: "expired" });
    expect(decideTxn(view, expire, times)).toMatchObject({ changed: false });
    const late = { ...times, nowUnix: 1_020 };
    expect(decideTxn(view, expire, late)).toMatchObject({ record: { state: "rollback" } });
  });

  test("a decision that is carried on does not touch a new use of the id", () => {
    const carryOn = ask({ only: "decided" });
    const view = { record: record(), marker: undefined };
    expect(decideTxn(view, carryOn, times)).toMatchObject({ changed: false });
    expect(decideTxn(nothing, carryOn, times)).toEqual({ kind: "gone" });
  });
});

test("an open transaction that becomes one to be lost with its delivery is written as such", () => {
  const known = { record: record(), marker: undefined };
  const again = ask({ state: "pending", participants: [participant("a")], expiresAtUnix: 1_010 });
  expect(decideTxn(known, again, times)).toMatchObject({ kind: "recorded", changed: false });
  expect(decideTxn(known, { ...again, sends: true }, times)).toMatchObject({
    kind: "recorded",
    changed: true,
    record: { sends: true },
  });
});
