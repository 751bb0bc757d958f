/** Messages as participants of transactions (cases 33 to 38), on every carrier and store. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Delivery } from "../../src/api/queues.ts";
import { systemRandom } from "../../src/host/random.ts";
import { addressOf, expect, freshKey, json, refusal, type Story, test } from "./lockd-suite.ts";

const random = systemRandom();

class Line {
  readonly story: Story;
  readonly queue = `q-${random.xid()}`;

  constructor(story: Story) {
    this.story = story;
  }

  async put(text = "work"): Promise<void> {
    await this.story.lockd.queues.enqueue({ queue: this.queue }, Buffer.from(text));
  }

  async take(options: object = {}): Promise<Delivery> {
    const request = { queue: this.queue, owner: "w", waitSeconds: -1, ...options };
    const [delivery] = await this.story.lockd.queues.dequeue(request);
    if (delivery === undefined) throw new Error("no delivery");
    return delivery;
  }

  async isEmpty(): Promise<boolean> {
    return (await refusal(this.take())) === "waiting";
  }

  address({ messageId, leaseId, metaEtag, txnId, fencingToken }: Delivery) {
    return { queue: this.queue, messageId, leaseId, metaEtag, txnId, fencingToken };
  }
}

export function txnQueueCases(story: Story): void {
  test("33: a decision takes the message along, or gives it back at once", async () => {
    for (const state of ["commit", "rollback"]) {
      const line = new Line(story);
      await line.put();
      const txnId = random.xid();
      await line.take({ txnId, visibilityTimeoutSeconds: 60 });
      const { participants } = await story.lockd.transactions.explain({ txnId });
      expect(participants).toHaveLength(1);
      expect(await story.lockd.transactions.decide({ txnId, state })).toEqual({ txnId, state });
      if (state === "commit") expect(await line.isEmpty()).toBe(true);
      else expect((await line.take()).attempts).toBe(2);
    }
  });

  test("34: the state of a message goes with a commit and stays with a rollback", async () => {
    for (const state of ["rollback", "commit"]) {
      const line = new Line(story);
      await line.put();
      const txnId = random.xid();
      const delivery = await line.take({ txnId, withState: true, visibilityTimeoutSeconds: 60 });
      expect((await story.lockd.transactions.explain({ txnId })).participants).toHaveLength(2);
      await story.lockd.transactions.decide({ txnId, state });
      if (state === "commit") expect(await line.isEmpty()).toBe(true);
      else expect((await line.take({ withState: true })).messageId).toBe(delivery.messageId);
    }
  });

  test("34: a rollback keeps the state that an earlier delivery left", async () => {
    const line = new Line(story);
    await line.put();
    const stateOf = ({ queue, messageId, state }: Delivery) => ({
      key: `q/${queue}/state/${messageId}`,
      leaseId: state?.leaseId,
      txnId: state?.txnId,
      fencingToken: state?.fencingToken,
    });
    const settle = (delivery: Delivery) => ({
      ...line.address(delivery),
      stateLeaseId: delivery.state?.leaseId,
      stateFencingToken: delivery.state?.fencingToken,
    });
    const first = await line.take({ withState: true });
    await story.lockd.update(stateOf(first), json({ step: 1 }));
    await story.lockd.queues.nack(settle(first));
    const txnId = random.xid();
    const second = await line.take({ withState: true, txnId, visibilityTimeoutSeconds: 60 });
    await story.lockd.update(stateOf(second), json({ step: 2 }));
    await story.lockd.transactions.decide({ txnId, state: "rollback" });
    const third = await line.take({ withState: true });
    expect(await story.leasedText(stateOf(third))).toBe('{"step":1}');
    await story.lockd.queues.ack(settle(third));
    expect(await story.publicText(stateOf(third).key)).toBeUndefined();
  });

  test("an ack after the transaction was rolled back elsewhere acknowledges nothing", async () => {
    for (const isRedelivered of [false, true]) {
      const line = new Line(story);
      await line.put();
      const txnId = random.xid();
      const delivery = await line.take({ txnId, visibilityTimeoutSeconds: 60 });
      await story.lockd.transactions.decide({ txnId, state: "rollback" });
      if (isRedelivered) await line.take();
      const late = story.lockd.queues.ack(line.address(delivery));
      await expect(late).rejects.toMatchObject({ code: "queue_message_lease_mismatch" });
      if (!isRedelivered) expect((await line.take()).attempts).toBe(2);
    }
  });

  test("35: ack commits the keys of its transaction, nack rolls them back", async () => {
    for (const settle of ["ack", "nack"] as const) {
      const line = new Line(story);
      await line.put();
      const txnId = random.xid();
      const delivery = await line.take({ txnId, visibilityTimeoutSeconds: 60 });
      const lease = await story.acquire({ key: freshKey("paid"), txnId });
      await story.lockd.update(addressOf(lease), json({ paid: true }));
      await story.lockd.queues[settle](line.address(delivery));
      const text = await story.publicText(lease.key);
      expect(text).toBe(settle === "ack" ? '{"paid":true}' : undefined);
      expect(await line.isEmpty()).toBe(settle === "ack");
    }
  });

  test("35: releasing a key of the transaction settles its message", async () => {
    const line = new Line(story);
    await line.put();
    const txnId = random.xid();
    await line.take({ txnId, visibilityTimeoutSeconds: 60 });
    const lease = await story.acquire({ key: freshKey("paid"), txnId });
    await story.lockd.update(addressOf(lease), json({ paid: true }));
    await story.lockd.release(addressOf(lease));
    expect(await line.isEmpty()).toBe(true);
  });

  test("36: a nack with a delay hides the message, and answers its tag", async () => {
    const line = new Line(story);
    await line.put();
    const delivery = await line.take({ txnId: random.xid(), visibilityTimeoutSeconds: 60 });
    const address = { ...line.address(delivery), delaySeconds: 1, intent: "failure" };
    const { requeued, metaEtag } = await story.lockd.queues.nack(address);
    expect([requeued, metaEtag === delivery.metaEtag]).toEqual([true, false]);
    expect(await line.isEmpty()).toBe(true);
    const again = await line.take({ waitSeconds: 10 });
    expect(again).toMatchObject({ attempts: 2, failureAttempts: 1 });
  });

  test("37: who lost the message commits nothing of it", async () => {
    const line = new Line(story);
    await line.put();
    const txnId = random.xid();
    const lost = await line.take({ txnId, visibilityTimeoutSeconds: 2 });
    const participants = [{ namespace: "default", key: `q/${line.queue}/msg/${lost.messageId}` }];
    const named = { txnId, participants, expiresAtUnix: 99_999_999_999 };
    // Open for longer than the message is: else recovery may roll it back before it is committed.
    await story.lockd.transactions.decide({ ...named, state: "pending" });
    const other = await line.take({ waitSeconds: 10, visibilityTimeoutSeconds: 60 });
    const commit = story.lockd.transactions.decide({ ...named, state: "commit" });
    expect(await refusal(commit)).toBe("queue_message_lease_mismatch");
    // Recovery takes it for settled: the message moved on.
    expect(await story.lockd.transactions.replay({ txnId })).toEqual({ txnId, state: "commit" });
    expect((await story.lockd.queues.ack(line.address(other))).acked).toBe(true);
  });

  test("a bound transaction is rolled back before it loses its message", async () => {
    const line = new Line(story);
    await line.put();
    const txnId = random.xid();
    await line.take({ txnId, txnBound: true, visibilityTimeoutSeconds: 4 });
    const lease = await story.acquire({ key: freshKey("paid"), txnId });
    await story.lockd.update(addressOf(lease), json({ paid: true }));
    const other = await line.take({ waitSeconds: 10, visibilityTimeoutSeconds: 60 });
    const { state } = await story.lockd.transactions.explain({ txnId });
    expect(state).toBe("rollback");
    const commit = { txnId, state: "commit" };
    expect((await story.lockd.transactions.decide(commit)).state).toBe("rollback");
    expect(await story.publicText(lease.key)).toBeUndefined();
    expect((await story.lockd.queues.ack(line.address(other))).acked).toBe(true);
  });

  test("a bound transaction that nobody took the message of commits after its lease", async () => {
    const line = new Line(story);
    await line.put();
    const txnId = random.xid();
    await line.take({ txnId, txnBound: true, visibilityTimeoutSeconds: 3 });
    const lease = await story.acquire({ key: freshKey("paid"), txnId });
    await story.lockd.update(addressOf(lease), json({ paid: true }));
    await sleep(3_200);
    const commit = { txnId, state: "commit" };
    expect((await story.lockd.transactions.decide(commit)).state).toBe("commit");
    expect(await story.publicText(lease.key)).toBe('{"paid":true}');
    expect(await line.isEmpty()).toBe(true);
  });

  test("38: a waiting consumer gets what a rollback gives back", async () => {
    const line = new Line(story);
    await line.put();
    const txnId = random.xid();
    await line.take({ txnId, visibilityTimeoutSeconds: 60 });
    const waiting = line.take({ waitSeconds: 20 });
    await sleep(50);
    await story.lockd.transactions.decide({ txnId, state: "rollback" });
    expect((await waiting).attempts).toBe(2);
  });

  test("a decided transaction takes no more messages", async () => {
    const line = new Line(story);
    await line.put();
    const txnId = random.xid();
    const lease = await story.acquire({ txnId });
    await story.lockd.update(addressOf(lease), json({}));
    const foreign = [{ namespace: "default", key: "elsewhere", backendHash: "other" }];
    const commit = { txnId, state: "commit", participants: foreign };
    expect(await refusal(story.lockd.transactions.decide(commit))).toBe("txn_fanout_failed");
    expect(await refusal(line.take({ txnId }))).toBe("txn_conflict");
    expect((await line.take()).attempts).toBeGreaterThan(1);
  });
}
