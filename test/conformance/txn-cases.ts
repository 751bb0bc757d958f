/**
 * Transactions of several keys on one island: the single-island cases of
 * transactions-and-islands.md that speak about keys (3 to 30, 32), on every carrier and store.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { AcquireResult } from "../../src/api/lockd.ts";
import { systemRandom } from "../../src/host/random.ts";
import {
  addressOf,
  bytesOf,
  expect,
  freshKey,
  json,
  refusal,
  type Story,
  test,
} from "./lockd-suite.ts";

const random = systemRandom();

function freshTxn(): string {
  return random.xid();
}

async function held(story: Story, txnId: string, namespace?: string): Promise<AcquireResult> {
  return story.acquire({ key: freshKey("txn"), txnId, namespace });
}

/** Acquires a key under the transaction and stages a state on it. */
async function staged(story: Story, txnId: string, value: unknown = { by: txnId }) {
  const lease = await held(story, txnId);
  await story.lockd.update(addressOf(lease), json(value));
  return lease;
}

async function isFree(story: Story, key: string): Promise<boolean> {
  const status = await story.lockd.status({ key });
  return !status.held && !status.staged;
}

export function txnCommitCases(story: Story): void {
  test("3: one key under an implicit transaction leaves no record of it", async () => {
    const lease = await story.acquire();
    await story.lockd.update(addressOf(lease), json({ n: 1 }));
    const { txnId } = lease;
    expect(await refusal(story.lockd.transactions.replay({ txnId }))).toBe("txn_not_found");
    await story.lockd.release(addressOf(lease));
    expect(await story.publicText(lease.key)).toBe('{"n":1}');
    expect(await refusal(story.lockd.transactions.explain({ txnId }))).toBe("txn_not_found");
  });

  test("4: an update under a chosen transaction makes its key a participant", async () => {
    const txnId = freshTxn();
    const lease = await held(story, txnId);
    expect(await refusal(story.lockd.transactions.replay({ txnId }))).toBe("txn_not_found");
    await story.lockd.update(addressOf(lease), json({ n: 1 }));
    const told = await story.lockd.transactions.explain({ txnId });
    expect(told).toMatchObject({
      state: "pending",
      record: "recorded",
      expiresAtUnix: lease.expiresAtUnix,
      participants: [{ namespace: "default", key: lease.key, applied: false, now: "staged" }],
    });
    await story.lockd.release({ ...addressOf(lease), rollback: true });
  });

  test("5: a transaction id that is no xid is refused", async () => {
    expect(await refusal(story.acquire({ txnId: "nope" }))).toBe("invalid_txn");
  });

  test("6, 8: releasing one key commits all; releasing the others changes nothing", async () => {
    const txnId = freshTxn();
    const [a, b] = [await staged(story, txnId, { k: "a" }), await staged(story, txnId, { k: "b" })];
    expect(await story.publicText(a.key)).toBeUndefined();
    expect(await story.lockd.release(addressOf(a))).toEqual({ released: true });
    expect([await story.publicText(a.key), await story.publicText(b.key)]).toEqual([
      '{"k":"a"}',
      '{"k":"b"}',
    ]);
    expect([await isFree(story, a.key), await isFree(story, b.key)]).toEqual([true, true]);
    expect(await story.lockd.release(addressOf(b))).toEqual({ released: true });
    expect(await story.lockd.describe({ key: b.key })).toMatchObject({ version: 1 });
    expect(await story.lockd.transactions.replay({ txnId })).toEqual({ txnId, state: "commit" });
  });

  test("7: rolling one key back rolls all back, and all are free at once", async () => {
    const txnId = freshTxn();
    const [a, b] = [await staged(story, txnId), await staged(story, txnId)];
    await story.lockd.release({ ...addressOf(a), rollback: true });
    expect([await story.publicText(a.key), await story.publicText(b.key)]).toEqual([
      undefined,
      undefined,
    ]);
    for (const { key } of [a, b]) {
      expect((await story.acquire({ key })).fencingToken).toBe(2);
    }
    expect(await story.lockd.transactions.replay({ txnId })).toEqual({ txnId, state: "rollback" });
  });

  test("9: releasing a key that changed nothing decides nothing", async () => {
    const txnId = freshTxn();
    const [a, b] = [await staged(story, txnId), await held(story, txnId)];
    await story.lockd.release(addressOf(b));
    expect(await isFree(story, b.key)).toBe(true);
    expect(await story.lockd.transactions.replay({ txnId })).toEqual({ txnId, state: "pending" });
    await story.lockd.release(addressOf(a));
    expect(await story.publicText(a.key)).toBeDefined();
  });

  test("10: keys of different namespaces share a fate", async () => {
    const txnId = freshTxn();
    const a = await staged(story, txnId);
    const b = await held(story, txnId, "elsewhere");
    await story.lockd.update(addressOf(b), json({ n: 2 }));
    await story.lockd.release(addressOf(a));
    const state = await story.lockd.get({ namespace: "elsewhere", key: b.key, public: true });
    expect((await bytesOf(state.body)).toString()).toBe('{"n":2}');
  });

  test("11: writes without the transaction's id, or with another, are refused", async () => {
    const lease = await held(story, freshTxn());
    const { txnId: _txnId, ...without } = addressOf(lease);
    const other = { ...without, txnId: freshTxn() };
    const { lockd } = story;
    expect(await refusal(lockd.update(without, json({})))).toBe("missing_txn");
    expect(await refusal(lockd.update(other, json({})))).toBe("txn_mismatch");
    expect(await refusal(lockd.keepAlive(without))).toBe("missing_txn");
    expect(await refusal(lockd.keepAlive(other))).toBe("txn_mismatch");
  });

  test("12: a staged removal follows its transaction", async () => {
    for (const rollback of [true, false]) {
      const txnId = freshTxn();
      const key = freshKey("gone");
      await story.commit(key, { n: 1 });
      const lease = await story.acquire({ key, txnId });
      const other = await staged(story, txnId);
      expect((await story.lockd.remove(addressOf(lease))).removed).toBe(true);
      expect(await story.publicText(key)).toBe('{"n":1}');
      await story.lockd.release({ ...addressOf(other), rollback });
      expect(await story.publicText(key)).toBe(rollback ? '{"n":1}' : undefined);
    }
  });

  test("13: a staged attachment is public after the commit, gone after a rollback", async () => {
    for (const rollback of [true, false]) {
      const txnId = freshTxn();
      const [a, b] = [await held(story, txnId), await staged(story, txnId)];
      const { attachments } = story.lockd;
      await attachments.attach({ ...addressOf(a), name: "f" }, Buffer.from("hello"));
      const listed = async () =>
        (await attachments.list({ key: a.key, public: true })).attachments.map(({ name }) => name);
      expect(await listed()).toEqual([]);
      await story.lockd.release({ ...addressOf(b), rollback });
      expect(await listed()).toEqual(rollback ? [] : ["f"]);
    }
  });

  test("mutations and metadata take part like states", async () => {
    const txnId = freshTxn();
    const [a, b] = [await held(story, txnId), await held(story, txnId)];
    await story.lockd.mutate({ ...addressOf(a), mutations: ["/n=3"] });
    await story.lockd.updateMetadata({ ...addressOf(b), queryHidden: true });
    const { participants } = await story.lockd.transactions.explain({ txnId });
    expect(participants.map(({ key }) => key).sort()).toEqual([a.key, b.key].sort());
    await story.lockd.release(addressOf(b));
    expect(await story.publicText(a.key)).toBe('{"n":3}');
    expect((await story.lockd.describe({ key: b.key })).metadata).toEqual({ queryHidden: true });
  });

  test("a fused update commits the whole transaction", async () => {
    const txnId = freshTxn();
    const [a, b] = [await staged(story, txnId), await held(story, txnId)];
    const done = await story.lockd.update({ ...addressOf(b), release: "commit" }, json({ n: 2 }));
    expect(done).toMatchObject({ released: true, newVersion: 1 });
    expect(await story.publicText(a.key)).toBe(`{"by":"${txnId}"}`);
    expect(await story.publicText(b.key)).toBe('{"n":2}');
    const again = await story.lockd.update({ ...addressOf(b), release: "commit" }, json({ n: 2 }));
    expect(again).toMatchObject({ released: true, newVersion: 1 });
  });

  test("29: twenty keys saved at once are twenty participants", async () => {
    const txnId = freshTxn();
    const leases = await Promise.all(Array.from({ length: 20 }, () => staged(story, txnId)));
    const { participants } = await story.lockd.transactions.explain({ txnId });
    expect(participants).toHaveLength(20);
    const [first] = leases;
    if (first !== undefined) await story.lockd.release(addressOf(first));
    const states = await Promise.all(leases.map(({ key }) => story.publicText(key)));
    expect(new Set(states)).toEqual(new Set([`{"by":"${txnId}"}`]));
  });
}

export function txnDecisionCases(story: Story): void {
  test("14, 15, 20: pending records participants, sorted and once each", async () => {
    const txnId = freshTxn();
    const { transactions } = story.lockd;
    const participant = (key: string) => ({ namespace: "default", key, more: true });
    await transactions.decide({ txnId, state: "pending", participants: [participant("b")] });
    const answer = await transactions.decide({
      txnId,
      state: " Prepare ",
      participants: [participant("a"), participant("b")],
    });
    expect(answer).toEqual({ txnId, state: "pending" });
    const told = await transactions.explain({ txnId });
    expect(told.participants.map(({ key }) => key)).toEqual(["a", "b"]);
  });

  test("16, 17: a decision without participants is remembered, and never changes", async () => {
    const txnId = freshTxn();
    const { transactions } = story.lockd;
    const commit = { txnId, state: "commit" };
    expect(await transactions.decide(commit)).toEqual(commit);
    expect(await transactions.replay({ txnId })).toEqual(commit);
    expect(await transactions.decide({ txnId, state: "rollback" })).toEqual(commit);
  });

  test("18, 19: malformed requests have their codes", async () => {
    const { transactions } = story.lockd;
    const refused = async (request: object, code: string) =>
      expect(await refusal(transactions.decide({ state: "commit", ...request }))).toBe(code);
    await refused({}, "missing_txn_id");
    await refused({ txnId: "nope" }, "invalid_txn_id");
    await refused({ txnId: "00000000000000000001" }, "invalid_txn_id");
    const txnId = freshTxn();
    await refused({ txnId, state: "maybe" }, "invalid_state");
    const one = (participant: object) => ({ txnId, participants: [participant] });
    await refused(one({ namespace: ".txns", key: "a" }), "invalid_namespace");
    await refused(one({ key: "a" }), "invalid_namespace");
    await refused(one({ namespace: "default", key: " " }), "invalid_key");
    await refused(
      one({ namespace: "default", key: "a", backendHash: " " }),
      "invalid_backend_hash",
    );
    expect(await refusal(transactions.list({ limit: 0 }))).toBe("invalid_body");
  });

  test("21, 24: applying what is not decided, and asking for what is not known", async () => {
    const txnId = freshTxn();
    const { transactions } = story.lockd;
    expect(await refusal(transactions.apply("commit", { txnId }))).toBe("txn_not_found");
    expect(await refusal(transactions.replay({ txnId }))).toBe("txn_not_found");
    const lease = await staged(story, txnId);
    expect(await refusal(transactions.apply("commit", { txnId }))).toBe("txn_pending");
    expect(await transactions.replay({ txnId })).toEqual({ txnId, state: "pending" });
    await story.lockd.release({ ...addressOf(lease), rollback: true });
    expect(await transactions.apply("commit", { txnId })).toEqual({ txnId, state: "rollback" });
  });

  test("25, 26: a pending transaction beyond its deadline can only be rolled back", async () => {
    const txnId = freshTxn();
    const lease = await story.acquire({ txnId, ttlSeconds: 2 });
    await story.lockd.update(addressOf(lease), json({ n: 1 }));
    await sleep(2_100);
    const { transactions } = story.lockd;
    // Still pending, or rolled back already by somebody else's traffic.
    expect((await transactions.decide({ txnId, state: "commit" })).state).toBe("rollback");
    expect(await transactions.replay({ txnId })).toEqual({ txnId, state: "rollback" });
    expect(await story.publicText(lease.key)).toBeUndefined();
    expect(await isFree(story, lease.key)).toBe(true);
  });

  test("27: a keepalive keeps the transaction alive as well", async () => {
    const txnId = freshTxn();
    const lease = await story.acquire({ txnId, ttlSeconds: 2 });
    await story.lockd.update(addressOf(lease), json({ n: 1 }));
    await story.lockd.keepAlive({ ...addressOf(lease), ttlSeconds: 30 });
    await sleep(2_100);
    expect(await story.lockd.transactions.replay({ txnId })).toEqual({ txnId, state: "pending" });
    await story.lockd.release(addressOf(lease));
    expect(await story.publicText(lease.key)).toBe('{"n":1}');
  });

  test("30: who takes a key over whose lease ran out ends its whole transaction", async () => {
    const txnId = freshTxn();
    const a = await story.acquire({ txnId, ttlSeconds: 2 });
    await story.lockd.update(addressOf(a), json({ n: 1 }));
    const b = await staged(story, txnId);
    await sleep(1_500);
    const taken = await story.acquire({ key: a.key, blockSeconds: 5 });
    expect(taken.fencingToken).toBe(2);
    expect(await story.lockd.release(addressOf(b))).toEqual({ released: true });
    expect(await story.publicText(a.key)).toBeUndefined();
    expect(await story.publicText(b.key)).toBeUndefined();
  });

  test("32: deciding again changes nothing", async () => {
    const txnId = freshTxn();
    const [a, b] = [await staged(story, txnId), await staged(story, txnId)];
    const participants = [a, b].map(({ namespace, key }) => ({ namespace, key }));
    for (let round = 0; round < 5; round += 1) {
      await story.lockd.transactions.decide({ txnId, state: "commit", participants });
    }
    expect(await story.lockd.describe({ key: a.key })).toMatchObject({ version: 1 });
    expect(await story.lockd.describe({ key: b.key })).toMatchObject({ version: 1 });
  });

  test("a key under an implicit lease takes part when the decision names it", async () => {
    const lease = await story.acquire();
    await story.lockd.update(addressOf(lease), json({ n: 1 }));
    const { namespace, key, txnId } = lease;
    await story.lockd.transactions.decide({
      txnId,
      state: "commit",
      participants: [{ namespace, key }],
    });
    expect(await story.publicText(key)).toBe('{"n":1}');
    expect(await isFree(story, key)).toBe(true);
  });

  test("H22: an implicit lease joins when another key is acquired under its id", async () => {
    const a = await story.acquire();
    await story.lockd.update(addressOf(a), json({ n: 1 }));
    const b = await story.acquire({ txnId: a.txnId });
    await story.lockd.update(addressOf(b), json({ n: 2 }));
    await story.lockd.release({ ...addressOf(b), rollback: true });
    expect([await isFree(story, a.key), await story.publicText(a.key)]).toEqual([true, undefined]);
  });
}

export function idempotencyCases(story: Story): void {
  const freshProof = (): string => `proof-${random.xid()}`;

  test("80: the same request again gets the same lease; others are others", async () => {
    const key = freshKey("idem");
    const request = { key, ttlSeconds: 20, idempotencyKey: freshProof() };
    const first = await story.acquire(request);
    const again = await story.acquire(request);
    const { leaseId, txnId, fencingToken, expiresAtUnix } = first;
    expect(again).toMatchObject({ leaseId, txnId, fencingToken, expiresAtUnix, replayed: true });
    expect(first.replayed).toBeUndefined();
    expect(await refusal(story.acquire({ ...request, owner: "other" }))).toBe("waiting");
    expect(await refusal(story.acquire({ key }))).toBe("waiting");
    expect(await refusal(story.acquire({ ...request, ttlSeconds: 21 }))).toBe(
      "idempotency_conflict",
    );
  });

  test("two at once get the one lease, in a line too", async () => {
    const key = freshKey("idem");
    const held = await story.acquire({ key });
    const request = { key, blockSeconds: 20, idempotencyKey: freshProof() };
    const waiting = [story.acquire(request), story.acquire(request)];
    await sleep(100);
    await story.lockd.release(addressOf(held));
    const [one, other] = await Promise.all(waiting);
    expect(one?.leaseId).toBe(other?.leaseId);
    expect(one?.fencingToken).toBe(2);
  });

  test("81: create-only, repeated", async () => {
    const request = { key: freshKey("idem"), ifNotExists: true, idempotencyKey: freshProof() };
    const first = await story.acquire(request);
    expect((await story.acquire(request)).leaseId).toBe(first.leaseId);
  });

  test("82: a late duplicate after the release takes nothing", async () => {
    const request = { key: freshKey("idem"), idempotencyKey: freshProof() };
    await story.lockd.release(addressOf(await story.acquire(request)));
    expect(await refusal(story.acquire(request))).toBe("idempotency_conflict");
    expect((await story.acquire({ key: request.key })).fencingToken).toBe(2);
  });

  test("a generated key is the same for the same request: a UUIDv8", async () => {
    const request = { key: undefined, idempotencyKey: freshProof() };
    const first = await story.acquire(request);
    expect(first.key).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect((await story.acquire(request)).leaseId).toBe(first.leaseId);
  });

  test("keys that are too short, too long or not plain are refused", async () => {
    for (const idempotencyKey of ["", "short", "x".repeat(129), "sixteen chars or"]) {
      expect(await refusal(story.acquire({ idempotencyKey }))).toBe("invalid_idempotency_key");
    }
  });
}
