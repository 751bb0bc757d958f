/** Uploads whose record write nobody can tell about, and what others do in the meantime. */
import { describe, expect, test } from "vitest";
import type { AcquireResult, BodyOut } from "../../../src/api/lockd.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { garbageDelayMs, payloadUnnamedMsMax } from "../../../src/engine/limits.ts";
import { type StoredObject, StoreFailure } from "../../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../../src/engine/ports/telemetry.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { countingRandom, testEngine } from "../../support/test-engine.ts";

/** A store that others write too, and that lets somebody in before a read. */
class ContendedStore extends ScriptedStore {
  beforeRead: (() => Promise<unknown>) | undefined;

  constructor() {
    super({ exclusive: false });
  }

  override async get(name: string): Promise<StoredObject | undefined> {
    const first = this.beforeRead;
    this.beforeRead = undefined;
    await first?.();
    return super.get(name);
  }
}

/** Runs `act` before the read number `count` from now on. */
function beforeRead(store: ContendedStore, count: number, act: () => Promise<unknown>): void {
  let reads = 0;
  const look = (): void => {
    store.beforeRead = async () => {
      reads += 1;
      if (reads < count) look();
      else await act();
    };
  };
  look();
}

/** Reads of an upload until it learns that nobody knows what became of its record write. */
const readsOfUpload = 3;
const readsOfUpdate = 2;

function contended() {
  const store = new ContendedStore();
  const { engine, clock } = testEngine({ store });
  const random = countingRandom();
  const rival = new Engine({
    store,
    clock,
    random: { ...random, xid: () => `v${random.xid().slice(1)}` },
    telemetry: silentTelemetry,
    defaultNamespace: "default",
    jsonBytesMax: 100_000,
    defaultTtlSeconds: 30,
    maxTtlSeconds: 1800,
    acquireBlockSeconds: 60,
  });
  return { store, engine, clock, rival };
}

async function held(engine: Engine): Promise<AcquireResult> {
  return engine.acquire({ key: "k", owner: "w", ttlSeconds: 600, blockSeconds: -1 });
}

async function textOf(body: BodyOut): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body instanceof Uint8Array ? [body] : body) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function publicText(engine: Engine, name: string): Promise<string> {
  const { body } = await engine.attachments.retrieve({ key: "k", public: true, name });
  return textOf(body);
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe("an upload whose record was written although nobody said so", () => {
  test("is answered as done", async () => {
    const { engine, store } = contended();
    const lease = await held(engine);
    store.scripts.push({ kind: "lose-answer" });
    const put = await engine.attachments.attach({ ...lease, name: "f" }, bytes("mine"));
    expect(put).toMatchObject({ noop: false, version: 1 });
    await engine.release(lease);
    expect(await publicText(engine, "f")).toBe("mine");
  });

  test.each([[false], [true]])(
    "and was written over by a keepalive: its payload stays (prevent overwrite %s)",
    async (preventOverwrite) => {
      const { engine, store, rival, clock } = contended();
      const lease = await held(engine);
      store.scripts.push({ kind: "lose-answer" });
      beforeRead(store, readsOfUpload, () => rival.keepAlive({ ...lease, ttlSeconds: 900 }));
      const request = { ...lease, name: "f", preventOverwrite };
      const putting = engine.attachments.attach(request, bytes("mine"));
      await expect(putting).resolves.toMatchObject({ noop: false, version: 1 });
      await clock.advance(garbageDelayMs * 5);
      await engine.release(lease);
      expect(await publicText(engine, "f")).toBe("mine");
    },
  );

  test("and was replaced by another upload: it is not repeated, the other one stays", async () => {
    const { engine, store, rival, clock } = contended();
    const lease = await held(engine);
    store.scripts.push({ kind: "lose-answer" });
    beforeRead(store, readsOfUpload, () =>
      rival.attachments.attach({ ...lease, name: "f" }, bytes("other")),
    );
    const putting = engine.attachments.attach({ ...lease, name: "f" }, bytes("mine"));
    await expect(putting).rejects.toMatchObject({ outcomeUnknown: true });
    await clock.advance(garbageDelayMs * 5);
    await rival.release(lease);
    expect(await publicText(engine, "f")).toBe("other");
  });

  test("the same of a large state: its bytes stay", async () => {
    const { engine, store, rival, clock } = contended();
    const lease = await held(engine);
    const state = JSON.stringify({ pad: "x".repeat(20_000) });
    store.scripts.push({ kind: "lose-answer" });
    beforeRead(store, readsOfUpdate, () => rival.keepAlive({ ...lease, ttlSeconds: 900 }));
    await engine.update(lease, bytes(state));
    await clock.advance(garbageDelayMs * 5);
    await engine.release(lease);
    const { body } = await engine.get({ key: "k", public: true });
    expect(await textOf(body)).toBe(state);
  });
});

test("a store that fails for certain leaves no payload behind", async () => {
  const { engine, clock, store } = testEngine();
  const lease = await held(engine);
  store.scripts.push({ kind: "fail", failure: new StoreFailure("full", "no space") });
  const refused = engine.attachments.attach({ ...lease, name: "f" }, bytes("mine"));
  await expect(refused).rejects.toMatchObject({ code: "store_full" });
  await clock.advance(garbageDelayMs * 2);
  expect(store.streams.size).toBe(0);
});

test("a payload that waited too long for its record is not named any more", async () => {
  const { engine, clock, store } = testEngine();
  const lease = await held(engine);
  let go: () => void = () => {};
  const until = new Promise<void>((resolve) => {
    go = resolve;
  });
  store.scripts.push({ kind: "wait", until });
  const keeping = engine.keepAlive({ ...lease, ttlSeconds: 1_500 });
  const putting = engine.attachments.attach({ ...lease, name: "f" }, bytes("mine"));
  const refused = expect(putting).rejects.toMatchObject({ code: "store_unavailable" });
  await clock.advance(payloadUnnamedMsMax + 1_000);
  go();
  await keeping;
  await refused;
  expect((await engine.attachments.list(lease)).attachments).toEqual([]);
});
