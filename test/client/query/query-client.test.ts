/** The query methods of the client (client-sdk.md section 18, cases 52 to 59). */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ConflictError,
  LockdConfigError,
  LockdTransportError,
  LqlSyntaxError,
} from "../../../src/api/errors.ts";
import { createClient } from "../../../src/client/client.ts";
import { Document } from "../../../src/client/document.ts";
import { HttpLockd } from "../../../src/client/http-lockd.ts";
import { ParsedSelectors } from "../../../src/client/query/parsed-selectors.ts";
import type { LockdClient } from "../../../src/client/types.ts";
import { parseSelector } from "../../../src/lql/selector/parse-selector.ts";
import { type RealServer, startRealServer } from "../../support/real-server.ts";
import { failureOf, serve } from "../http-fixture.ts";

let server: RealServer;
let client: LockdClient;

beforeEach(async () => {
  server = await startRealServer({});
  client = createClient({ endpoints: server.url, closeTimeoutMs: 200 });
});
afterEach(async () => {
  await client.close();
  await server.stop();
});

async function save(key: string, value: unknown): Promise<void> {
  const session = await client.acquire({ key, owner: "w", ttlMs: 30_000 });
  await session.saveAndRelease(value);
}

const long = "x".repeat(200_000);

describe("selectors", () => {
  test("52: text that does not parse makes no request; text that does is parsed once", async () => {
    const dead = createClient({ endpoints: "http://127.0.0.1:1" });
    expect(await failureOf(dead.query({ lql: "status=open" }))).toBeInstanceOf(LqlSyntaxError);
    const both = dead.query({ lql: "/a=1", selector: {} });
    expect(await failureOf(both)).toBeInstanceOf(LockdConfigError);
    await dead.close();
    let parses = 0;
    const selectors = new ParsedSelectors((text) => {
      parses += 1;
      return parseSelector(text);
    });
    for (let turn = 0; turn < 3; turn += 1) selectors.get("/a=1");
    expect(parses).toBe(1);
    for (let n = 0; n < 600; n += 1) selectors.get(`/a=${n}`);
    expect(selectors.get("/a=1")).toEqual({ eq: { field: "/a", value: "1" } });
    expect(parses).toBe(601);
  });

  test("53: nothing found", async () => {
    const keys = await client.query({ lql: "/a=1" });
    expect([...keys]).toEqual([]);
    expect(keys.cursor).toBeUndefined();
    const rows = await client.query({ lql: "/a=1", return: "documents" });
    expect(await rows.keys()).toEqual([]);
    expect(rows.cursor).toBeUndefined();
    expect(rows.metadata).toMatchObject({ engine: "scan" });
  });
});

describe("documents", () => {
  test("54: read, passed over, or read too late", async () => {
    for (let n = 0; n < 6; n += 1) await save(`k${n}`, n % 3 === 0 ? { n, long } : { n });
    const all = await client.query({ return: "documents" });
    expect(await all.keys()).toEqual(["k0", "k1", "k2", "k3", "k4", "k5"]);
    const rows = await client.query({ return: "documents" });
    const read: unknown[] = [];
    const kept: { doc: { json(): Promise<unknown> } }[] = [];
    await rows.forEach(async (row) => {
      kept.push(row);
      if (kept.length % 2 === 1) read.push(await row.doc.json());
      expect(row).toMatchObject({ namespace: "default", version: 1 });
    });
    expect(read).toEqual([{ n: 0, long }, { n: 2 }, { n: 4 }]);
    const edited = await client.query({ lql: "/n=2", return: "documents" });
    await edited.forEach(async (row) => {
      expect((await Document.from(row)).mutate("/n++").json()).toEqual({ n: 3 });
    });
    for (const row of kept) await expect(row.doc.json()).rejects.toBeInstanceOf(TypeError);
  });

  test("55: the cursor is there at the end, and leads on without gap or repetition", async () => {
    for (let n = 0; n < 5; n += 1) await save(`k${n}`, { n });
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const rows = await client.query({ return: "documents", limit: 2, cursor });
      expect(rows.cursor).toBeUndefined();
      for await (const row of rows) found.push(row.key);
      cursor = rows.cursor;
    } while (cursor !== undefined);
    expect(found).toEqual(["k0", "k1", "k2", "k3", "k4"]);
  });

  test("57: leaving the loop frees the connection", async () => {
    for (let n = 0; n < 4; n += 1) await save(`k${n}`, { n, long });
    const rows = await client.query({ return: "documents" });
    for await (const row of rows) if (row.key === "k1") break;
    expect(rows.cursor).toBeUndefined();
    await using left = await client.query({ return: "documents" });
    expect(left.namespace).toBe("default");
    expect((await client.query()).keys).toHaveLength(4);
  });

  test("an abort ends the rows with its reason", async () => {
    for (let n = 0; n < 4; n += 1) await save(`k${n}`, { n, long });
    const abort = new AbortController();
    const rows = await client.query({ return: "documents" }, abort.signal);
    const seen: string[] = [];
    const taken = rows.forEach((row) => {
      seen.push(row.key);
      if (seen.length === 2) abort.abort("enough");
    });
    expect(await failureOf(taken)).toBe("enough");
    expect(seen).toEqual(["k0", "k1"]);
  });
});

describe("a server that breaks its word", () => {
  const row = '{"ns":"default","key":"a","ver":1,"doc":{}}\n';
  const ndjson = {
    "content-type": "application/x-ndjson",
    "x-lockd-query-return": "documents",
  };

  test.each(["undici", "node"] as const)(
    "56, %s: cut in the middle: whole rows, an error, no cursor",
    async (library) => {
      const broken = await serve([
        {
          kind: "answer",
          headers: ndjson,
          body: row + row.replace("{}", JSON.stringify(long)),
          cutAfterBytes: 100_000,
        },
      ]);
      const transport = new HttpLockd({ endpoints: broken.url, httpLibrary: library });
      const other = createClient({ transport });
      const rows = await other.query({ return: "documents" });
      const seen: string[] = [];
      const taken = rows.forEach(async ({ key, doc }) => {
        seen.push(`${key} ${(await doc.text()).length}`);
      });
      const error = await failureOf(taken);
      expect(error).toBeInstanceOf(LockdTransportError);
      expect(error).toMatchObject({ code: "truncated" });
      expect(seen).toEqual(["a 2"]);
      expect(rows.cursor).toBeUndefined();
      await other.close();
    },
  );

  test("no trailers: no cursor; another mode than asked for: an error", async () => {
    const headers = { ...ndjson, "content-length": String(row.length) };
    const keys = { namespace: "default", keys: ["a"] };
    const odd = await serve([
      { kind: "answer", headers, body: row },
      { kind: "answer", body: keys },
      { kind: "answer", headers: { "content-type": "application/x-ndjson" }, body: row },
    ]);
    const other = createClient({ endpoints: odd.url });
    const rows = await other.query({ return: "documents" });
    expect([await rows.keys(), rows.cursor]).toEqual([["a"], undefined]);
    const asked = failureOf(other.query({ return: "documents" }));
    expect(await asked).toMatchObject({ code: "protocol" });
    expect(await failureOf(other.query())).toMatchObject({ code: "protocol" });
    await other.close();
  });

  test("what goes over the wire, and what of an answer counts", async () => {
    const metadata = { engine: "index", note: "kept" };
    const scripted = await serve([
      {
        kind: "answer",
        headers: {
          "x-lockd-query-return": "keys",
          "x-lockd-query-index-seq": "7",
          "x-lockd-query-metadata": JSON.stringify({ engine: "scan", other: "too" }),
        },
        body: { namespace: "n", keys: ["a"], cursor: "indexv1:YQ", metadata },
      },
    ]);
    const other = createClient({ endpoints: scripted.url });
    const found = await other.query({
      lql: "/n>=10",
      namespace: "n",
      limit: 5,
      cursor: "indexv1:QQ",
      engine: "index",
      refresh: "wait_for",
      fields: { a: 1 },
    });
    expect(found).toMatchObject({
      namespace: "n",
      keys: ["a"],
      cursor: "indexv1:YQ",
      indexSeq: 7,
      metadata: { engine: "index", note: "kept", other: "too" },
    });
    const sent = scripted.requests[0];
    expect(sent?.method).toBe("POST");
    expect(Object.fromEntries(sent?.query ?? [])).toEqual({
      namespace: "n",
      engine: "index",
      refresh: "wait_for",
      return: "keys",
    });
    expect(JSON.parse(sent?.body.toString() ?? "")).toEqual({
      selector: { range: { field: "/n", gte: 10 } },
      limit: 5,
      cursor: "indexv1:QQ",
      fields: { a: 1 },
    });
    await other.close();
  });
});

test("58: queryAll follows the cursors", async () => {
  for (let n = 0; n < 25; n += 1) await save(`k${String(n).padStart(2, "0")}`, { n });
  const found: string[] = [];
  for await (const key of client.queryAll({ lql: "/n>=5", pageSize: 6 })) found.push(key);
  expect(found).toHaveLength(20);
  expect(found).toEqual([...new Set(found)].sort());
});

test("59: flush modes and configuration", async () => {
  const id = "01890000-0000-7000-8000-000000000000";
  const answer = { namespace: "n", mode: "async", accepted: true, flushed: false, pending: true };
  const scripted = await serve([
    { kind: "answer", status: 202, body: { ...answer, flush_id: id } },
    { kind: "answer", body: { ...answer, mode: "wait", flushed: true, index_seq: 3 } },
  ]);
  const other = createClient({ endpoints: scripted.url });
  expect(await other.flushIndex("n")).toMatchObject({ flushed: false, flushId: id });
  const waited = await other.flushIndex("n", { mode: "wait" });
  expect(waited).toMatchObject({ flushed: true, indexSeq: 3 });
  expect(waited).not.toHaveProperty("flushId");
  expect(scripted.requests.map(({ query }) => query.get("mode"))).toEqual(["async", "wait"]);
  await other.close();
  const { etag } = await client.updateNamespaceConfig({ fallbackEngine: "scan" });
  expect(await client.getNamespaceConfig()).toMatchObject({
    config: { preferredEngine: "scan", fallbackEngine: "scan" },
    etag,
  });
  await client.updateNamespaceConfig({ preferredEngine: "index" }, { ifMatch: etag });
  const stale = client.updateNamespaceConfig({ preferredEngine: "scan" }, { ifMatch: etag });
  expect(await failureOf(stale)).toBeInstanceOf(ConflictError);
  expect(await client.getNamespaceConfig("elsewhere")).not.toHaveProperty("etag");
});
