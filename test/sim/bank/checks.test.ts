/** Each check of the bank, seen to fail. */
import { expect, test } from "vitest";
import { type Account, type Audit, type BankAttempt, type Books, emptyBooks } from "./book.ts";
import { BankChecks } from "./checks.ts";

/** One transaction that moved 5 from `a` to `b`, as the number of its message says. */
function attempt(
  number: number,
  read: readonly string[],
  change: Partial<BankAttempt> = {},
): BankAttempt {
  const beganAt = number * 1_000;
  return {
    mark: `t${number}`,
    txnId: `t${number}`,
    keys: ["a", "b"],
    beganAt,
    read: new Map(["a", "b"].map((key) => [key, read])),
    asked: "commit",
    answered: "commit",
    endedAt: beganAt + 500,
    order: { id: `o${number}`, from: "a", to: "b", amount: 5 },
    messageId: `m${number}`,
    fencingToken: 1,
    deliveredAt: beganAt,
    leaseEndsAt: beganAt + 20_000,
    settledAt: beganAt + 500,
    ...change,
  };
}

function accounts(a: number, b: number, marks: readonly string[]): ReadonlyMap<string, Account> {
  return new Map([
    ["a", { balance: a, marks }],
    ["b", { balance: b, marks }],
  ]);
}

function audit(seen: ReadonlyMap<string, Account>, beganAt: number): Audit {
  return {
    mark: `audit ${beganAt}`,
    kind: "leased",
    accounts: seen,
    beganAt,
    endedAt: beganAt + 100,
  };
}

const after1 = accounts(95, 105, ["t1"]);
const after2 = accounts(90, 110, ["t1", "t2"]);

function twoTransfers(change: Partial<Books> = {}): Books {
  const attempts = [attempt(1, []), attempt(2, ["t1"])];
  const ordered = new Map([
    ["m1", "o1"],
    ["m2", "o2"],
  ]);
  return { ...emptyBooks(), attempts, ordered, ...change };
}

function found(books: Books, end = after2, ackedBy = new Map<string, readonly string[]>()) {
  const { violations } = new BankChecks(books, {
    accounts: end,
    ackedBy,
    rightClocks: true,
  }).run();
  return [...new Set(violations.map(({ property }) => property.slice(0, 3)))];
}

test("what is right is right", () => {
  const audits = [audit(accounts(100, 100, []), 0), audit(after1, 1_600), audit(after2, 3_000)];
  expect(found(twoTransfers({ audits }))).toEqual([]);
});

test("B01: money that comes from nowhere", () => {
  expect(found(twoTransfers(), accounts(90, 111, ["t1", "t2"]))).toEqual(["B01"]);
});

test("B01: an audit that sees one account before, one after", () => {
  const half = new Map([
    ["a", { balance: 90, marks: ["t1", "t2"] }],
    ["b", { balance: 105, marks: ["t1"] }],
  ]);
  expect(found(twoTransfers({ audits: [audit(half, 3_000)] }))).toEqual(["B01", "B05"]);
});

test("B02: a statement of another version", () => {
  expect(found(twoTransfers({ mismatches: ["a: other"] }))).toEqual(["B02"]);
});

test("B03: an order that is gone and was never carried out", () => {
  const ordered = new Map([["m9", "o9"]]);
  expect(found(twoTransfers({ ordered }))).toEqual(["B03"]);
  // Unless a transaction took it unseen, besides the message its teller saw.
  expect(found(twoTransfers({ ordered }), after2, new Map([["m9", ["t1"]]]))).toEqual([]);
  expect(found(twoTransfers({ ordered }), after2, new Map([["m9", ["t7"]]]))).toEqual(["B03"]);
});

test("B03: an order that comes again after it was settled in time", () => {
  const again = { messageId: "m1", fencingToken: 2 };
  const attempts = [attempt(1, []), attempt(2, ["t1"], again)];
  expect(found(twoTransfers({ attempts, ordered: new Map() }))).toEqual(["B03"]);
  const late = [attempt(1, [], { leaseEndsAt: 1_200 }), attempt(2, ["t1"], again)];
  expect(found(twoTransfers({ attempts: late, ordered: new Map() }))).toEqual([]);
});

test("B04: an audit that sees what was never committed", () => {
  const dirty = accounts(95, 105, ["t8"]);
  expect(found(twoTransfers({ audits: [audit(dirty, 3_000)] }))).toContain("B04");
});

test("B05: an audit that does not see what was answered before it began", () => {
  expect(found(twoTransfers({ audits: [audit(after1, 3_000)] }))).toEqual(["B05"]);
});

test("B05: an audit that sees what began after it had ended", () => {
  expect(found(twoTransfers({ audits: [audit(after2, 1_600)] }))).toEqual(["B05"]);
});
