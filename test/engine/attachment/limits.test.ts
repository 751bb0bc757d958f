/** What a key may hold, and what is swept when nobody names it. */
import { expect, test } from "vitest";
import {
  attachmentsPerKeyMax,
  orphanAgeMsMin,
  sweepSafetyMarginMs,
} from "../../../src/engine/limits.ts";
import { stateObjectName } from "../../../src/engine/record/key-record.ts";
import { testEngine } from "../../support/test-engine.ts";

const noWait = { key: "k", owner: "w", ttlSeconds: 1_800, blockSeconds: -1 };

test("a key holds a thousand attachments and no more, in a record that stays small", async () => {
  const { engine, store } = testEngine();
  const lease = await engine.acquire(noWait);
  const put = (name: string, body: Uint8Array = Buffer.from(name)) =>
    engine.attachments.attach({ ...lease, name }, body);
  for (let at = 0; at < attachmentsPerKeyMax; at += 1) await put(`file-${at}.bin`);
  const refused = { code: "too_many_attachments", status: 400 };
  await expect(put("one more")).rejects.toMatchObject(refused);
  await expect(put("file-7.bin", Buffer.from("again"))).resolves.toMatchObject({ noop: false });
  await engine.release(lease);
  const again = await engine.acquire(noWait);
  const name = "file-8.bin";
  const late = engine.attachments.attach({ ...again, name: "one more" }, Buffer.from("x"));
  await expect(late).rejects.toMatchObject(refused);
  await engine.attachments.delete({ ...again, name });
  await engine.attachments.attach({ ...again, name: "one more" }, Buffer.from("x"));
  await engine.release(again);
  const { attachments } = await engine.attachments.list({ key: "k", public: true });
  expect(attachments.length).toBe(attachmentsPerKeyMax);
  const record = store.objects.get("k/default/k")?.bytes.length ?? 0;
  expect(record).toBeLessThan(256 * 1024);
  expect(record).toBeGreaterThan(0);
}, 60_000);

test("too many is said before the first byte is read", async () => {
  const { engine } = testEngine();
  const lease = await engine.acquire(noWait);
  for (let at = 0; at < attachmentsPerKeyMax; at += 1) {
    await engine.attachments.attach({ ...lease, name: `${at}` }, new Uint8Array(0));
  }
  let read = false;
  async function* body(): AsyncGenerator<Uint8Array> {
    read = true;
    yield Buffer.from("x");
  }
  await expect(engine.attachments.attach({ ...lease, name: "more" }, body())).rejects.toMatchObject(
    { code: "too_many_attachments" },
  );
  expect(read).toBe(false);
}, 60_000);

test("the sweeper deletes payloads that nobody names, and only those", async () => {
  const { engine, store, clock } = testEngine();
  const first = await engine.acquire(noWait);
  await engine.attachments.attach({ ...first, name: "committed" }, Buffer.from("1"));
  await engine.release(first);
  const orphan = stateObjectName("default", "k", "0000000000000000000g");
  store.streams.set(orphan, Buffer.from("left by a crash"));
  const sweep = () => engine.sweep({ opsMax: 10_000, signal: undefined });
  await sweep();
  expect(store.streams.has(orphan)).toBe(true);
  await clock.advance(Math.max(orphanAgeMsMin, 1_800_000 + sweepSafetyMarginMs) + 1_000);
  const second = await engine.acquire(noWait);
  await engine.attachments.attach({ ...second, name: "staged" }, Buffer.from("2"));
  expect((await sweep()).orphansDeleted).toBe(1);
  expect(store.streams.has(orphan)).toBe(false);
  await engine.release(second);
  expect(store.streams.size).toBe(2);
});

test("the sweeper takes back what an expired lease staged", async () => {
  const { engine, store, clock } = testEngine();
  const lease = await engine.acquire({ ...noWait, ttlSeconds: 10 });
  await engine.attachments.attach({ ...lease, name: "f" }, Buffer.from("1"));
  await clock.advance(11_000);
  expect((await engine.sweep({ opsMax: 10_000, signal: undefined })).expiredCleared).toBe(1);
  await clock.advance(5_000);
  expect(store.streams.size).toBe(0);
});

test("a committed payload goes only after the record does not name it, and later", async () => {
  const { engine, store, clock } = testEngine();
  const first = await engine.acquire(noWait);
  await engine.attachments.attach({ ...first, name: "f" }, Buffer.from("old"));
  await engine.release(first);
  const second = await engine.acquire(noWait);
  await engine.attachments.attach({ ...second, name: "f" }, Buffer.from("new"));
  await clock.advance(60_000);
  expect(store.streams.size).toBe(2);
  await engine.release(second);
  // A reader that looked the old one up just before can still open it.
  expect(store.streams.size).toBe(2);
  await clock.advance(60_000);
  expect([...store.streams.values()].map(String)).toEqual(["new"]);
});
