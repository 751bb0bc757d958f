/** Overview and change stream: the same on every carrier and store. */
import type { ChangeEvent, ChangesRequest } from "../../src/api/observation.ts";
import { addressOf, expect, freshKey, json, type Story, test } from "./lockd-suite.ts";

/** Reads a stream in the background, so that a test can wait for what it wants to see. */
export class Reader {
  readonly events: ChangeEvent[] = [];
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #wake = Promise.withResolvers<void>();

  constructor(story: Story, request: ChangesRequest) {
    this.#done = this.#read(story, request);
  }

  static async ready(story: Story, request: ChangesRequest): Promise<Reader> {
    const reader = new Reader(story, request);
    await reader.until((events) => events.some(({ kind }) => kind === "ready"));
    return reader;
  }

  async #read({ lockd }: Story, request: ChangesRequest): Promise<void> {
    const stream = await lockd.observation.changes(request, { signal: this.#abort.signal });
    for await (const event of stream) {
      this.events.push(event);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
  }

  async until(seen: (events: readonly ChangeEvent[]) => boolean): Promise<void> {
    while (!seen(this.events)) await Promise.race([this.#wake.promise, this.#failed()]);
  }

  /** Rejects when the stream ends before the test has seen what it waits for. */
  async #failed(): Promise<void> {
    await this.#done;
    throw new Error(`the stream ended after ${this.kinds.join(" ")}`);
  }

  get kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }
}

const has =
  (kind: string, count = 1) =>
  (events: readonly ChangeEvent[]): boolean =>
    events.filter((event) => event.kind === kind).length >= count;

export function overviewCases(story: Story): void {
  test("overview: a held key with all that is known of it", async () => {
    const lease = await story.acquire({ owner: "Worker-7", ttlSeconds: 600 });
    await story.lockd.update(addressOf(lease), json({ a: 1 }));
    const overview = await story.lockd.observation.overview({ filter: lease.key });
    expect(overview.leases).toHaveLength(1);
    expect(overview.leases[0]).toMatchObject({
      namespace: "default",
      key: lease.key,
      owner: "Worker-7",
      leaseId: lease.leaseId,
      txnId: lease.txnId,
      fencingToken: 1,
      expiresAtUnix: lease.expiresAtUnix,
      version: 0,
      staged: true,
    });
    const row = overview.leases[0];
    // Only who saw the grant knows, once something was staged since.
    expect([600_000, undefined]).toContain(row?.ttlMs);
    await story.lockd.keepAlive({ ...addressOf(lease), ttlSeconds: 900 });
    const bare = await story.acquire({ ttlSeconds: 45 });
    const others = await story.lockd.observation.overview({ filter: bare.key });
    expect(others.leases[0]?.ttlMs).toBe(45_000);
    await story.lockd.release(addressOf(bare));
    expect(row?.remainingMs).toBeGreaterThan(500_000);
    expect(row?.remainingMs).toBeLessThanOrEqual(600_000);
    expect(overview.counts.keysMatching).toBe(1);
    expect(overview.counts.keysHeld).toBeGreaterThanOrEqual(1);
    expect(overview.complete).toBe(true);
    expect(overview.draining).toBe(false);
    expect(overview).toMatchObject({ tc: { mode: "local" }, qrfState: "disengaged", trouble: [] });
    await story.lockd.release(addressOf(lease));
    const after = await story.lockd.observation.overview({ filter: lease.key });
    expect(after.leases).toEqual([]);
  });

  test("overview: the filter also finds owners, whatever their case", async () => {
    const owner = `Owner-${freshKey("o").replace("/", "-")}`;
    const lease = await story.acquire({ owner });
    const { leases } = await story.lockd.observation.overview({ filter: owner.toUpperCase() });
    expect(leases.map(({ key }) => key)).toEqual([lease.key]);
  });

  test("overview: windows follow each other without a gap, by expiry and by name", async () => {
    const namespace = freshKey("ns").replace("/", "-");
    const expected = [];
    for (const [key, ttlSeconds] of [
      ["b", 300],
      ["a", 900],
      ["d", 600],
      ["c", 600],
      ["e", 100],
    ] as const) {
      await story.acquire({ namespace, key, ttlSeconds });
      expected.push(key);
    }
    const read = async (order: string, limit: number): Promise<string[]> => {
      const found: string[] = [];
      let after: string | undefined;
      do {
        const request = { namespaces: [namespace], order, limit, after };
        const { leases, cursor, counts } = await story.lockd.observation.overview(request);
        expect(leases.length).toBeLessThanOrEqual(limit);
        expect(counts.keysHeld).toBe(5);
        found.push(...leases.map(({ key }) => key));
        after = cursor;
      } while (after !== undefined);
      return found;
    };
    // Leases of one order may have been granted in different seconds: c and d end close together.
    const byExpiry = await read("expiry", 2);
    expect(byExpiry.map((key) => (key === "d" ? "c" : key))).toEqual(["e", "b", "c", "c", "a"]);
    expect(await read("name", 2)).toEqual(["a", "b", "c", "d", "e"]);
    expect(await read("name", 5)).toEqual(["a", "b", "c", "d", "e"]);
  });

  test.each([
    [{ limit: 201 }, "invalid_observation"],
    [{ order: "size" }, "invalid_observation"],
    [{ filter: "x".repeat(257) }, "invalid_observation"],
    [{ after: "nonsense" }, "invalid_observation"],
    [{ namespaces: [".hidden"] }, "invalid_namespace"],
  ])("overview: %j is refused with %s", async (request, code) => {
    const asked = story.lockd.observation.overview(request);
    await expect(asked).rejects.toMatchObject({ code });
  });
}

export function changeCases(story: Story): void {
  test("changes: the life of a lease and its commit", async () => {
    const key = freshKey();
    const reader = await Reader.ready(story, { key });
    const lease = await story.acquire({ key, owner: "me" });
    await reader.until(has("lease_granted"));
    await story.lockd.update(addressOf(lease), json({ a: 1 }));
    await story.lockd.release(addressOf(lease));
    await reader.until(has("lease_released"));
    expect(reader.kinds).toEqual(["ready", "lease_granted", "state_committed", "lease_released"]);
    const { leaseId, txnId, fencingToken } = lease;
    expect(reader.events[1]).toMatchObject({ namespace: "default", key, owner: "me", leaseId });
    expect(reader.events[1]).toMatchObject({ txnId, fencingToken });
    expect(reader.events[2]).toMatchObject({ key, version: 1 });
    expect(reader.events[3]).toMatchObject({ key, leaseId });
    await reader.stop();
  });

  test("changes: renewals, removals, and nothing of other keys", async () => {
    const prefix = `${freshKey("p")}/`;
    await story.commit(`${prefix}a`, { a: 1 });
    const reader = await Reader.ready(story, { prefix });
    await story.commit(freshKey("elsewhere"), { b: 1 });
    const lease = await story.acquire({ key: `${prefix}a`, ttlSeconds: 30 });
    await reader.until(has("lease_granted"));
    await story.lockd.keepAlive({ ...addressOf(lease), ttlSeconds: 500 });
    await reader.until(has("lease_renewed"));
    await story.lockd.remove(addressOf(lease));
    await story.lockd.release(addressOf(lease));
    await reader.until(has("lease_released"));
    expect(reader.kinds).toEqual([
      "ready",
      "lease_granted",
      "lease_renewed",
      "state_removed",
      "lease_released",
    ]);
    expect(new Set(reader.events.slice(1).map(({ key }) => key))).toEqual(new Set([`${prefix}a`]));
    expect(reader.events[3]).toMatchObject({ version: 2 });
    await reader.stop();
  });

  test("changes: a lease that runs out untouched is told", async () => {
    const key = freshKey();
    const reader = await Reader.ready(story, { key });
    const lease = await story.acquire({ key, ttlSeconds: 1 });
    await reader.until(has("lease_expired"));
    expect(reader.kinds).toEqual(["ready", "lease_granted", "lease_expired"]);
    expect(reader.events[2]).toMatchObject({ leaseId: lease.leaseId });
    // The write that clears it, or grants the key again, says it no second time.
    await story.acquire({ key });
    await reader.until(has("lease_granted", 2));
    expect(reader.kinds.filter((kind) => kind === "lease_expired")).toHaveLength(1);
    await reader.stop();
  });

  test("changes: from a version on, what is there already comes first", async () => {
    const prefix = `${freshKey("v")}/`;
    await story.commit(`${prefix}once`, { n: 1 });
    await story.commit(`${prefix}twice`, { n: 1 });
    await story.commit(`${prefix}twice`, { n: 2 });
    const reader = await Reader.ready(story, { prefix, fromVersion: 1 });
    const told = reader.events.map(({ kind, key, version }) => ({ kind, key, version }));
    expect(told).toEqual([
      { kind: "state_committed", key: `${prefix}twice`, version: 2 },
      { kind: "ready", key: undefined, version: undefined },
    ]);
    expect(reader.events[0]?.coalesced).toBe(true);
    await story.commit(`${prefix}twice`, { n: 3 });
    await reader.until(has("state_committed", 2));
    const states = reader.events.filter(({ kind }) => kind === "state_committed");
    expect(states.map(({ version }) => version)).toEqual([2, 3]);
    await reader.stop();
  });

  test("changes: by transaction", async () => {
    const first = await story.acquire();
    const reader = await Reader.ready(story, { txnId: first.txnId });
    await story.commit(freshKey(), { other: 1 });
    await story.lockd.update(addressOf(first), json({ a: 1 }));
    await story.lockd.release(addressOf(first));
    await reader.until(has("lease_released"));
    expect(new Set(reader.events.slice(1).map(({ txnId }) => txnId))).toEqual(
      new Set([first.txnId]),
    );
    await reader.stop();
  });

  test("changes: an unknown place says so and then tells all that is newer", async () => {
    const key = freshKey();
    await story.commit(key, { n: 1 });
    const after = "00000000000000000000.7";
    const reader = await Reader.ready(story, { key, after });
    expect(reader.kinds.filter((kind) => kind !== "missed")).toEqual(["state_committed", "ready"]);
    await reader.stop();
  });

  test.each([
    [{ key: "a", prefix: "b" }, "invalid_observation"],
    [{ queue: "a", fromVersion: 1 }, "invalid_observation"],
    [{ txnId: "nope" }, "invalid_observation"],
    [{ key: "a", fromVersion: "x" }, "invalid_version"],
    [{ key: "//" }, "invalid_key"],
    [{ prefix: "a b" }, "invalid_key"],
  ])("changes: %j is refused with %s", async (request, code) => {
    await expect(story.lockd.observation.changes(request)).rejects.toMatchObject({ code });
  });
}

/** Only where one process sees all messages: on a server, or alone on its store. */
export function queueChangeCases(story: Story): void {
  test("changes: the life of a message", async () => {
    const queue = freshKey("q").replace("/", "-");
    const reader = await Reader.ready(story, { queue });
    const { queues } = story.lockd;
    const { messageId } = await queues.enqueue({ queue, maxAttempts: 1 }, json("a"));
    const take = { queue, owner: "me", waitSeconds: 10 };
    const [first] = await queues.dequeue(take);
    // An extension is nothing anybody watches for.
    await queues.extend({ ...first, extendBySeconds: 60 });
    await reader.until(has("queue_delivered"));
    expect(reader.events.slice(1)).toMatchObject([
      { kind: "queue_enqueued", namespace: "default", queue, messageId },
      { kind: "queue_delivered", queue, messageId, owner: "me", fencingToken: 1 },
    ]);
    await reader.stop();
  });

  test("changes: settled and dead messages", async () => {
    const queue = freshKey("q").replace("/", "-");
    const reader = await Reader.ready(story, { queue });
    const { queues } = story.lockd;
    const take = { queue, owner: "me", waitSeconds: 10 };
    await queues.enqueue({ queue, maxAttempts: 1 }, json("a"));
    const [first] = await queues.dequeue(take);
    await queues.nack({ ...first, intent: "defer" });
    const [second] = await queues.dequeue(take);
    await queues.nack({ ...second, intent: "failure" });
    // Whoever looks for it next finds it used up.
    await queues.dequeue({ ...take, waitSeconds: -1 }).catch(() => {});
    await queues.enqueue({ queue }, json("b"));
    const [third] = await queues.dequeue(take);
    await queues.ack({ ...third });
    await reader.until(has("queue_settled", 3));
    const told = reader.events.slice(1).map(({ kind, outcome }) => outcome ?? kind);
    expect(told.filter((word) => word !== "queue_enqueued" && word !== "queue_delivered")).toEqual([
      "defer",
      "nack",
      "queue_dead",
      "ack",
    ]);
    await reader.stop();
  });

  test("overview: queues with what is in them", async () => {
    const namespace = freshKey("ns").replace("/", "-");
    await story.lockd.queues.enqueue({ namespace, queue: "mail" }, json("a"));
    const { queues, trouble } = await story.lockd.observation.overview({ namespaces: [namespace] });
    expect(trouble).toEqual([]);
    expect(queues).toMatchObject([{ namespace, queue: "mail", ready: 1, inFlight: 0, dead: 0 }]);
  });
}
