/** How a scan gets along with everything else that goes on. */
import { describe, expect, test } from "vitest";
import type { LeaseAddress } from "../../../src/api/lockd.ts";
import type { EngineOptions } from "../../../src/engine/options.ts";
import type { Instant, Monotonic } from "../../../src/engine/ports/clock.ts";
import { StoreFailure } from "../../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../../src/engine/ports/telemetry.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { type TestEngine, testEngine } from "../../support/test-engine.ts";

async function commit({ engine }: TestEngine, key: string, value: unknown): Promise<void> {
  const lease = await engine.acquire({ key, owner: "w", blockSeconds: -1 });
  const body = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  await engine.update({ ...addressOf(lease), release: "commit" }, body);
}

function addressOf({ key, leaseId, txnId, fencingToken }: LeaseAddress): LeaseAddress {
  return { key, leaseId, txnId, fencingToken };
}

async function hide({ engine }: TestEngine, key: string): Promise<void> {
  const lease = addressOf(await engine.acquire({ key, owner: "w", blockSeconds: -1 }));
  await engine.updateMetadata({ ...lease, queryHidden: true });
  await engine.release(lease);
}

/** Time that moves by a step with every look at it; rests take one turn of the event loop. */
function steppingClock(stepMs: number) {
  let now = 1_700_000_000_000;
  const counted = { rests: 0 };
  const clock: EngineOptions["clock"] = {
    wallMs: () => now as Instant,
    monotonicMs: () => {
      now += stepMs;
      return now as Monotonic;
    },
    schedule: (_delayMs, run) => {
      counted.rests += 1;
      const timer = setImmediate(run);
      return { cancel: () => clearImmediate(timer) };
    },
  };
  return { clock, counted };
}

const long = JSON.stringify({ text: "x".repeat(20_000), n: 1 });

describe("a scan", () => {
  test("rests after each slice, and others get their turn", async () => {
    const { clock, counted } = steppingClock(1);
    const fixture = testEngine({ clock });
    for (let n = 0; n < 300; n += 1) await commit(fixture, `k${n}`, { n });
    counted.rests = 0;
    const order: string[] = [];
    const scan = fixture.engine.queries.keys({ selector: { exists: "/no" } }).then(() => {
      order.push("scan");
    });
    setImmediate(() => {
      void fixture.engine.acquire({ key: "other", owner: "w", blockSeconds: -1 }).then(() => {
        order.push("lease");
      });
    });
    await scan;
    // A slice is 5 ms: at one look a record and a millisecond a look, five records.
    expect(counted.rests).toBeGreaterThanOrEqual(300 / 5 - 1);
    expect(order).toEqual(["lease", "scan"]);
  });

  test("51: a page has a thousand rows at most, a hundred when nobody says", async () => {
    const world = testEngine();
    for (let n = 0; n < 1_001; n += 1) await commit(world, `k${n}`, {});
    const pageOf = async (limit: number | undefined) => {
      const { keys, cursor } = await world.engine.queries.keys({ limit });
      return [keys.length, cursor !== undefined];
    };
    for (const limit of [5_000, 1_000]) expect(await pageOf(limit)).toEqual([1_000, true]);
    for (const limit of [undefined, 0, -1]) expect(await pageOf(limit)).toEqual([100, true]);
  });

  test("is one of many that take turns: others wait for one slice, not for all", async () => {
    const { clock } = steppingClock(1);
    const fixture = testEngine({ clock });
    for (let n = 0; n < 100; n += 1) await commit(fixture, `k${n}`, { n });
    const scans = Array.from({ length: 20 }, () => fixture.engine.queries.keys({}));
    let longestMs = 0;
    let rounds = 0;
    let running = true;
    const watch = (sinceMs: number): void => {
      if (!running) return;
      const now = clock.wallMs();
      longestMs = Math.max(longestMs, now - sinceMs);
      rounds += 1;
      setImmediate(() => watch(now));
    };
    // All twenty begin in this turn of the event loop; what counts is how they go on.
    await new Promise((resolve) => setImmediate(resolve));
    watch(clock.wallMs());
    await new Promise((resolve) => setImmediate(resolve));
    const before = rounds;
    await fixture.engine.queries.keys({ limit: 1 });
    const shortRounds = rounds - before;
    await Promise.all(scans);
    running = false;
    expect(longestMs).toBeLessThan(3 * 5);
    expect(rounds).toBeGreaterThan(20 * 10);
    // A short query does not stand in line behind the long ones.
    expect(shortRounds).toBeLessThan(10);
  });

  test("stops where it is when it is called off", async () => {
    const { clock, counted } = steppingClock(1);
    const fixture = testEngine({ clock });
    for (let n = 0; n < 300; n += 1) await commit(fixture, `k${n}`, { n });
    counted.rests = 0;
    const abort = new AbortController();
    const reason = new Error("enough");
    const scan = fixture.engine.queries.keys(
      { selector: { exists: "/no" } },
      { signal: abort.signal },
    );
    setImmediate(() => abort.abort(reason));
    await expect(scan).rejects.toBe(reason);
    expect(counted.rests).toBeLessThan(10);
    expect(await fixture.engine.queries.keys({ limit: 1 })).toMatchObject({ keys: ["k0"] });
  });

  test("an aborted call begins nothing", async () => {
    const fixture = testEngine();
    await commit(fixture, "a", {});
    const signal = AbortSignal.abort("no");
    await expect(fixture.engine.queries.keys({}, { signal })).rejects.toBe("no");
  });

  test("a page that grew old is read again: what was hidden meanwhile is not shown", async () => {
    const fixture = testEngine();
    for (const key of ["a", "b", "c"]) await commit(fixture, key, { key });
    const rows = (await fixture.engine.queries.documents({}))[Symbol.asyncIterator]();
    expect((await rows.next()).value).toMatchObject({ key: "a" });
    await hide(fixture, "b");
    await commit(fixture, "c", { key: "c", n: 2 });
    await fixture.clock.advance(251);
    const next = rows.next();
    await fixture.clock.advance(0);
    const { value } = await next;
    expect(value).toMatchObject({ key: "c", version: 2 });
    expect((await rows.next()).done).toBe(true);
  });

  test("a document replaced between its record and its bytes is shown as it is then", async () => {
    const fixture = testEngine();
    await commit(fixture, "a", long);
    const { store } = fixture;
    const open = store.getStream.bind(store);
    let opens = 0;
    store.getStream = async (name) => {
      opens += 1;
      if (opens > 1) return open(name);
      await commit(fixture, "a", long.replace('"n":1', '"n":2'));
      return undefined;
    };
    const request = { selector: { range: { field: "/n", gte: 1 } } };
    const documents = await fixture.engine.queries.documents(request);
    const shown: { version: number; text: string }[] = [];
    for await (const { version, doc } of documents) {
      const parts: Uint8Array[] = [];
      for await (const part of doc instanceof Uint8Array ? [doc] : doc) parts.push(part);
      shown.push({ version, text: Buffer.concat(parts).toString() });
    }
    expect(shown.map(({ version, text }) => [version, text.slice(-6)])).toEqual([[2, '"n":2}']]);
  });

  test("what cannot be read is left out and logged; a failing store is an error", async () => {
    const warnings: string[] = [];
    const telemetry = {
      ...silentTelemetry,
      warn: (_sys: string, event: string, fields?: object) => {
        warnings.push(`${event} ${JSON.stringify(fields)}`);
      },
    };
    const fixture = testEngine({ telemetry });
    for (const key of ["bad", "gone", "ok"]) await commit(fixture, key, key === "gone" ? long : {});
    const { store } = fixture;
    const bad = store.objects.get("k/default/bad");
    if (bad === undefined) throw new Error("the record is not there");
    store.objects.set("k/default/bad", { ...bad, bytes: bad.bytes.subarray(0, 20) });
    store.streams.clear();
    const selector = { exists: "/" };
    expect((await fixture.engine.queries.keys({ selector })).keys).toEqual(["ok"]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain("k/default/bad");
    expect(warnings[1]).toContain("k/default/gone");
    store.scan = async () => {
      throw new StoreFailure("unavailable", "the disk is busy");
    };
    const failed = fixture.engine.queries.keys({});
    await expect(failed).rejects.toMatchObject({ code: "store_unavailable" });
  });

  test("a document above the limit is refused, not cut", async () => {
    const store = new ScriptedStore();
    await commit(testEngine({ store }), "a", long);
    const small = testEngine({ store, jsonBytesMax: 1000 });
    const documents = await small.engine.queries.documents({});
    const taken = documents[Symbol.asyncIterator]().next();
    await expect(taken).rejects.toMatchObject({ code: "document_too_large", status: 413 });
    expect((await small.engine.queries.keys({})).keys).toEqual(["a"]);
  });

  test("queries running at once are limited; ending one makes room", async () => {
    const fixture = testEngine();
    await commit(fixture, "a", {});
    const { queries } = fixture.engine;
    const open = await Promise.all(Array.from({ length: 256 }, () => queries.documents({})));
    const refused = { code: "throttled", retryAfterMs: 1000 };
    await expect(queries.keys({})).rejects.toMatchObject(refused);
    await expect(queries.documents({})).rejects.toMatchObject(refused);
    await open[0]?.close();
    await open[0]?.close();
    expect((await queries.keys({})).keys).toEqual(["a"]);
    for await (const _row of open[1] ?? []);
    await Promise.all(open.map((documents) => documents.close()));
    await Promise.all(Array.from({ length: 256 }, () => queries.documents({})));
  });

  test("a draining engine answers no queries, but keeps its configuration", async () => {
    const { engine } = testEngine();
    engine.beginDrain(5_000);
    const draining = { code: "shutdown_draining", retryAfterMs: 5_000 };
    await expect(engine.queries.keys({})).rejects.toMatchObject(draining);
    await expect(engine.queries.documents({})).rejects.toMatchObject(draining);
    const changed = engine.queries.setNamespaceConfig({ query: { preferredEngine: "scan" } });
    await expect(changed).resolves.toMatchObject({ preferredEngine: "scan" });
  });
});
