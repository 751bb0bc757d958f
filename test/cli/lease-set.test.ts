/** Several leases under one command: the first of them to end is the one that counts. */
import { expect, test } from "vitest";
import { apiErrorOf, LockdTransportError } from "../../src/api/errors.ts";
import { LeaseClock } from "../../src/cli/run/lease-clock.ts";
import { LeaseSet } from "../../src/cli/run/lease-set.ts";
import { leaseTiming } from "../../src/cli/run/lease-timing.ts";
import { runAcquires } from "../../src/cli/run/run-keys.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { ProbedLockd } from "../support/probed-lockd.ts";
import { testEngine } from "../support/test-engine.ts";

const terms = { owner: "w", ttlSeconds: 30, blockSeconds: -1 };
const timing = leaseTiming(30, undefined);
const noSignal = new AbortController().signal;

async function held() {
  const { engine, clock } = testEngine();
  const lockd = new ProbedLockd(engine);
  const leaseClock = new LeaseClock({ steadyMs: () => clock.monotonicMs(), bootMs: undefined });
  const granted = [];
  for (const request of await runAcquires({ main: { key: "b" }, also: ["a"] }, terms)) {
    granted.push({ sentAt: leaseClock.nowMs(), lease: await lockd.acquire(request) });
    await clock.advance(1_000);
  }
  const parts = { lockd, clock: leaseClock, wallMs: () => clock.wallMs(), sharedWall: () => false };
  return { lockd, clock, leaseClock, engine, granted, leases: new LeaseSet(parts, granted) };
}

test("keys are taken in one order, under one transaction", async () => {
  const { granted, leases } = await held();
  expect(granted.map(({ lease }) => lease.key)).toEqual(["a", "b"]);
  expect(new Set(granted.map(({ lease }) => lease.txnId)).size).toBe(1);
  expect(leases.names).toBe("a, b");
  const alone = await runAcquires({ main: { key: "b" }, also: [] }, terms);
  expect(alone).toEqual([{ ...terms, key: "b" }]);
  const order = await runAcquires({ main: { key: "z" }, also: ["n:a", "M"] }, terms);
  expect(order.map(({ namespace, key }) => [namespace, key])).toEqual([
    [undefined, "M"],
    [undefined, "z"],
    ["n", "a"],
  ]);
  for (const also of [["b"], [" B "], ["default:b"], [":x"], [""]]) {
    await expect(runAcquires({ main: { key: "b" }, also }, terms)).rejects.toThrow(UsageError);
  }
});

test("the earliest deadline counts, from the oldest request on", async () => {
  const { leases, granted, leaseClock, lockd } = await held();
  const { hold } = await leases.firstHold(timing, { staleMs: 60_000, signal: noSignal });
  expect(hold.sentAt).toBe(granted[0]?.sentAt);
  expect(hold.sureUntil).toBeLessThanOrEqual((granted[0]?.sentAt ?? 0) + 29_000);
  expect(lockd.requests("keepAlive")).toEqual([]);
  const renewed = await leases.renew(timing, noSignal);
  expect(renewed.sentAt).toBe(leaseClock.nowMs());
  expect(renewed.sureUntil).toBeGreaterThan(hold.sureUntil);
});

test("a lease granted long ago is renewed before it is counted on", async () => {
  const { leases, lockd, clock } = await held();
  await clock.advance(5_000);
  await leases.firstHold(timing, { staleMs: 6_500, signal: noSignal });
  expect(lockd.requests("keepAlive").map(({ key }) => key)).toEqual(["a"]);
});

test("a shorter lease of one key is the time of all", async () => {
  const { leases } = await held();
  const asked = leaseTiming(60, undefined);
  const { timing: granted } = await leases.firstHold(asked, { staleMs: 60_000, signal: noSignal });
  expect(granted.ttlSeconds).toBeLessThanOrEqual(30);
});

test("one renewal that fails fails all, and one that is final is told first", async () => {
  const { leases, lockd } = await held();
  const cut = new LockdTransportError("transport", "cut");
  lockd.fail("keepAlive", cut);
  await expect(leases.renew(timing, noSignal)).rejects.toBe(cut);
  const gone = apiErrorOf("lease_required", "gone", { status: 403 });
  lockd.fail("keepAlive", cut).fail("keepAlive", gone);
  await expect(leases.renew(timing, noSignal)).rejects.toBe(gone);
});

test("commit ends all of them; giving up discards; who was rolled back is told", async () => {
  const { leases, engine, granted } = await held();
  const [a] = granted;
  if (a === undefined) throw new Error("two leases were granted");
  await engine.update(a.lease, Buffer.from("1"));
  await leases.commit(noSignal);
  for (const key of ["a", "b"]) expect((await engine.status({ key })).held).toBe(false);
  expect(await engine.describe({ key: "a" })).toMatchObject({ version: 1 });
  const other = await held();
  const [first] = other.granted;
  if (first === undefined) throw new Error("two leases were granted");
  await other.engine.update(first.lease, Buffer.from("1"));
  expect(await other.leases.giveUp(1_000)).toBeUndefined();
  expect((await other.engine.status({ key: "a" })).held).toBe(false);
  await expect(other.leases.commit(noSignal)).rejects.toMatchObject({ code: "txn_conflict" });
});
