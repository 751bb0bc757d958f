/** What `queue ls` and `stats` say of queues that others write, too: all, or that it is not all. */
import { expect, test } from "vitest";
import { queueCountScanMax } from "../../../src/engine/limits.ts";
import type { NamePage, PageOptions } from "../../../src/engine/ports/store.ts";
import { identityOf } from "../../conformance/queue-story.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { testEngine } from "../../support/test-engine.ts";

const queue = "jobs";

/** A queue that looks stop in after two messages. */
function world(store = new ScriptedStore({ exclusive: false })) {
  const { engine, clock } = testEngine({ store, queues: { pageSize: 2 } });
  const put = (more: object = {}) =>
    engine.queues.enqueue({ queue, ...more }, Buffer.from("x")).then(({ messageId }) => messageId);
  return { store, clock, put, queues: engine.queues };
}

async function summary({ queues }: ReturnType<typeof world>) {
  const { queues: rows } = await queues.list({ queue });
  return rows[0];
}

test("all messages are counted, not only as many as a look needs", async () => {
  const given = world();
  for (let at = 0; at < 300; at += 1) await given.put();
  const held = await given.queues.dequeue({ queue, owner: "w", waitSeconds: -1, pageSize: 2 });
  for (let at = 0; at < 4; at += 1) await given.put({ delaySeconds: 60 });
  // Of a group one is ready, the others wait for their turn.
  for (let at = 0; at < 3; at += 1) await given.put({ group: "g" });
  const [first] = held;
  if (first === undefined) throw new Error("nothing there");
  await given.queues.nack({ ...identityOf(first), delaySeconds: 30 });
  // Nobody sees what waits for its transaction.
  await given.put({ txnId: "0000000000000000000g" });
  expect(await summary(given)).toEqual({
    ...{ namespace: "default", queue, ready: 299, delayed: 7, inFlight: 1, dead: 0 },
    oldestAgeSeconds: 0,
  });
  expect(await given.queues.stats({ queue })).toMatchObject({ pendingCandidates: 299 });
});

test("what other processes do counts, whatever was known before", async () => {
  const store = new ScriptedStore({ exclusive: false });
  const [here, there] = [world(store), world(store)];
  for (let at = 0; at < 20; at += 1) await here.put();
  expect(await summary(here)).toMatchObject({ ready: 20 });
  const taken = await there.queues.dequeue({ queue, owner: "w", waitSeconds: -1, pageSize: 2 });
  for (const delivery of taken) await there.queues.ack(identityOf(delivery));
  for (let at = 0; at < 5; at += 1) await there.put();
  expect(await summary(here)).toMatchObject({ ready: 23, inFlight: 0 });
});

test("a damaged message is not counted and hides no other", async () => {
  const given = world();
  const [bad = ""] = await Promise.all([given.put(), given.put(), given.put(), given.put()]);
  const name = `m/default/${queue}/${bad}`;
  const stored = given.store.objects.get(name);
  if (stored === undefined) throw new Error("not stored");
  given.store.objects.set(name, { ...stored, bytes: stored.bytes.slice(0, -1) });
  expect(await summary(world(given.store))).toMatchObject({ ready: 3 });
});

/** So many dead letters that nobody ever comes to their end. */
class EndlessLetters extends ScriptedStore {
  names = 0;

  override async list(prefix: string, options: PageOptions): Promise<NamePage> {
    if (!prefix.startsWith(`x/default/${queue}/`)) return super.list(prefix, options);
    const from = this.names;
    this.names += options.limit;
    const names = Array.from({ length: options.limit }, (_, at) => `${prefix}${from + at}`);
    return { names, more: true };
  }
}

test("beyond the limit it says that there are at least so many", async () => {
  const store = new EndlessLetters({ exclusive: false });
  const given = world(store);
  await given.put();
  const dead = queueCountScanMax;
  expect(await summary(given)).toMatchObject({ ready: 1, dead, atLeast: ["dead"] });
  expect(store.names).toBe(queueCountScanMax);
});

/** As many messages as are asked for, for ever, all of them ready. */
class EndlessMessages extends ScriptedStore {
  scanned = 0;

  override async scan(prefix: string, options: PageOptions) {
    const page = await super.scan(prefix, { limit: 1 });
    const [one] = page.objects;
    if (one === undefined || !prefix.startsWith("m/")) return page;
    const objects = Array.from({ length: options.limit }, () => {
      this.scanned += 1;
      const id = `00000000-0000-7000-8000-${String(this.scanned).padStart(12, "0")}`;
      return { ...one, name: `${prefix}${id}` };
    });
    return { objects, more: true };
  }
}

test("so it is with messages, in the list and in the statistics", async () => {
  const store = new EndlessMessages({ exclusive: false });
  const given = world(store);
  await given.put();
  const ready = queueCountScanMax;
  expect(await summary(given)).toMatchObject({ ready, dead: 0, atLeast: ["messages"] });
  // What a look needs comes on top.
  expect(store.scanned).toBeLessThan(queueCountScanMax + 10);
  const stats = await given.queues.stats({ queue });
  expect(stats).toMatchObject({ pendingCandidates: ready, pendingAtLeast: true });
});

test("a server that knows all of it counts nothing", async () => {
  const store = new ScriptedStore();
  const given = world(store);
  for (let at = 0; at < 20; at += 1) await given.put();
  await given.queues.stats({ queue });
  let scans = 0;
  const scan = store.scan.bind(store);
  store.scan = async (prefix, options) => {
    scans += 1;
    return scan(prefix, options);
  };
  expect(await given.queues.stats({ queue })).toMatchObject({ pendingCandidates: 20 });
  expect(scans).toBe(0);
});
