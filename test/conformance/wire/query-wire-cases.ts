/** Queries on the wire, over real stores (query-and-lql.md cases 46 to 57, 66, 67). */
import { dechunked, headerIn } from "../../server/raw-chunks.ts";
import { RawConnection } from "../../server/raw-http.ts";
import { expect, freshKey, test } from "../lockd-suite.ts";
import type { Wire } from "./wire.ts";

/** A namespace of a case's own. */
export class NamespaceWire {
  readonly namespace = freshKey("ns").replace("/", "-");
  readonly wire: Wire;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  async commit(key: string, body: string): Promise<void> {
    const { namespace, wire } = this;
    const lease = await wire.lease({ namespace, key });
    const query = `?namespace=${namespace}&key=${key}`;
    const fused = { ...lease.headers, "X-Lockd-Release": "commit" };
    expect((await wire.post(`/v1/update${query}`, body, fused)).status).toBe(200);
  }

  query(search = "", body?: unknown) {
    const path = `/v1/query?namespace=${this.namespace}${search}`;
    return body === undefined ? this.wire.ask(path) : this.wire.post(path, body);
  }

  async keys(search = "", body?: unknown): Promise<unknown> {
    const { status, json } = await this.query(search, body);
    return status === 200 ? json.keys : `${status} ${json.error}`;
  }

  /** An answer with documents: its head, its rows and its trailers, name by name. */
  async documents(search = ""): Promise<{ head: string; body: string; trailers: string[] }> {
    const raw = new RawConnection(this.wire.url);
    const path = `/v1/query?namespace=${this.namespace}&return=documents${search}`;
    raw.say(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await raw.closed();
    const { head, body } = dechunked(raw.heard);
    const behind = raw.heard.slice(raw.heard.lastIndexOf("\r\n0\r\n") + 5);
    expect(behind.endsWith("\r\n\r\n")).toBe(true);
    return { head, body, trailers: behind.slice(0, -4).split("\r\n") };
  }
}

const scanned = {
  engine: "scan",
  query_candidates_seen: expect.stringMatching(/^\d+$/),
  query_candidates_matched: expect.stringMatching(/^\d+$/),
  query_bytes_captured: "0",
  query_spill_count: "0",
  query_spill_bytes: "0",
};

export function queryWireCases(wire: Wire): void {
  test("46, 47: exactly these members and headers", async () => {
    const shelf = new NamespaceWire(wire);
    for (const key of ["b", "a"]) await shelf.commit(key, '{"n":1}');
    const got = await shelf.query();
    const { namespace } = shelf;
    expect(got.json).toEqual({ namespace, keys: ["a", "b"], metadata: scanned });
    expect(got.headers).toMatchObject({
      "content-type": "application/json",
      "x-lockd-query-return": "keys",
      "x-lockd-query-metadata": JSON.stringify(got.json.metadata),
    });
    for (const name of ["cursor", "index-seq"]) {
      expect(got.headers).not.toHaveProperty(`x-lockd-query-${name}`);
    }
    expect((await wire.post("/v1/query", { namespace })).json).toEqual(got.json);
    const bare = await wire.ask(`/v1/query?namespace=${namespace}`, { method: "POST" });
    expect(bare.json).toEqual(got.json);
    const none = await shelf.query("&eq.field=/n&eq.value=2");
    expect(none.json).toMatchObject({ namespace, keys: [] });
    expect(none.text).toContain('"keys":[]');
  });

  test("48, 49: rows to the byte, then trailers; or nothing, then trailers", async () => {
    const shelf = new NamespaceWire(wire);
    const { namespace } = shelf;
    const long = JSON.stringify({ text: "x".repeat(100_000) });
    await shelf.commit("a", '{"n": 1.10, "big": 9007199254740993}');
    await shelf.commit("b", long);
    await shelf.commit("b", long);
    const { head, body, trailers } = await shelf.documents();
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(headerIn(head, "Content-Type")).toBe("application/x-ndjson");
    expect(headerIn(head, "X-Lockd-Query-Return")).toBe("documents");
    expect(headerIn(head, "Transfer-Encoding")).toBe("chunked");
    for (const name of ["Cursor", "Index-Seq", "Metadata"]) {
      expect(headerIn(head, "Trailer")).toContain(`X-Lockd-Query-${name}`);
      expect(headerIn(head, `X-Lockd-Query-${name}`)).toBeUndefined();
    }
    expect(body).toBe(
      `{"ns":"${namespace}","key":"a","ver":1,"doc":{"n":1.10,"big":9007199254740993}}\n` +
        `{"ns":"${namespace}","key":"b","ver":2,"doc":${long}}\n`,
    );
    expect(trailers).toEqual([expect.stringMatching(/^X-Lockd-Query-Metadata: \{.*\}$/)]);
    const page = await shelf.documents("&limit=1");
    expect(page.trailers).toHaveLength(2);
    expect(page.trailers).toContain("X-Lockd-Query-Cursor: scanv1:YQ");
    const none = await shelf.documents("&exists=/nowhere");
    expect([none.body, none.trailers.length]).toEqual(["", 1]);
    expect(headerIn(none.head, "Content-Type")).toBe("application/x-ndjson");
  });

  test("50, 51, 52: pages and their cursors", async () => {
    const shelf = new NamespaceWire(wire);
    for (const key of ["a", "b", "c/d"]) await shelf.commit(key, "{}");
    const first = await shelf.query("&limit=2");
    expect(first.json).toMatchObject({ keys: ["a", "b"], cursor: "scanv1:Yg" });
    expect(first.headers["x-lockd-query-cursor"]).toBe("scanv1:Yg");
    expect(await shelf.keys("&cursor=scanv1:Yg")).toEqual(["c/d"]);
    expect((await shelf.query("&limit=3")).json).not.toHaveProperty("cursor");
    for (const limit of ["0", "-1", "abc", "5000"]) {
      expect(await shelf.keys(`&limit=${limit}`)).toHaveLength(3);
    }
    for (const cursor of ["garbage", "indexv1:Yg", "scanv1:!"]) {
      expect(await shelf.keys(`&cursor=${cursor}`)).toBe("400 invalid_cursor");
    }
  });

  test("53 to 57: what is asked, and how", async () => {
    const shelf = new NamespaceWire(wire);
    await shelf.commit("a", '{"status":"open"}');
    await shelf.commit("b", '{"status":"done"}');
    const open = { eq: { field: "/status", value: "open" } };
    const done = { selector: { eq: { field: "/status", value: "done" } } };
    const param = `&selector=${encodeURIComponent(JSON.stringify(open))}`;
    expect(await shelf.keys("", { selector: open })).toEqual(["a"]);
    expect(await shelf.keys(param, done)).toEqual(["a"]);
    expect(await shelf.keys("&eq.field=/status&eq.value=open")).toEqual(["a"]);
    expect(await shelf.keys("&eq%7Bfield=/status,value=open%7D=")).toEqual(["a"]);
    expect(await shelf.keys("&/status=open")).toEqual(["a", "b"]);
    expect(await shelf.keys("&selector=/status=open")).toBe("400 invalid_selector");
    expect(await shelf.keys("&return=rows")).toBe("400 invalid_return");
    expect(await shelf.keys("&refresh=now")).toBe("400 invalid_refresh");
    expect(await shelf.keys("&refresh=wait-for")).toEqual(["a", "b"]);
    expect(await shelf.keys("&engine=x")).toBe("400 invalid_engine");
    expect(await shelf.keys("&fields=[1]")).toBe("400 invalid_fields");
    expect(await shelf.keys("&engine=index")).toBe("400 query_engine_unavailable");
    const preferred = { namespace: shelf.namespace, query: { preferred_engine: "index" } };
    expect((await wire.post("/v1/namespace", preferred)).status).toBe(200);
    expect(await shelf.keys("&engine=scan")).toBe("400 query_engine_unavailable");
  });

  test("66, 67: a configuration and its etag", async () => {
    const { namespace } = new NamespaceWire(wire);
    const at = `/v1/namespace?namespace=${namespace}`;
    const none = await wire.ask(at);
    const query = { preferred_engine: "scan", fallback_engine: "none" };
    expect([none.json, none.headers.etag]).toEqual([{ namespace, query }, undefined]);
    const change = { query: { preferred_engine: "INDEX" } };
    const early = wire.post(at, change, { "If-Match": "x" });
    expect(await wire.refused(early)).toBe("409 namespace_config_conflict");
    const set = await wire.post(at, change);
    expect(set.json).toEqual({ namespace, query: { ...query, preferred_engine: "index" } });
    const etag = String(set.headers.etag);
    const body = JSON.stringify({ query: { fallback_engine: "scan", preferred_engine: null } });
    const quoted = { "If-Match": `"${etag}"` };
    const put = await wire.ask(at, { method: "PUT", body, headers: quoted });
    expect(put.json).toMatchObject({
      query: { preferred_engine: "index", fallback_engine: "scan" },
    });
    expect((await wire.ask(at)).headers.etag).toBe(put.headers.etag);
    expect(put.headers.etag).not.toBe(etag);
    expect(await wire.refused(wire.post(at, change, quoted))).toBe("409 namespace_config_conflict");
    for (const bad of [{}, { query: null }, { query: { preferred_engine: "x" } }]) {
      expect(await wire.refused(wire.post(at, bad))).toBe("400 invalid_namespace_request");
    }
    const deleted = await wire.ask(at, { method: "DELETE" });
    expect([deleted.status, deleted.headers.allow]).toEqual([405, "GET, POST, PUT"]);
  });
}

/** For a server with an index. */
export function indexWireCases(wire: Wire): void {
  test("60 to 63: queries by index, and flushes", async () => {
    const shelf = new NamespaceWire(wire);
    const { namespace } = shelf;
    const unset = await wire.ask(`/v1/namespace?namespace=${namespace}`);
    expect(unset.json).toMatchObject({
      query: { preferred_engine: "index", fallback_engine: "none" },
    });
    const nothing = await shelf.query();
    expect(nothing.json).toEqual({ namespace, keys: [], metadata: expect.any(Object) });
    expect(nothing.headers).not.toHaveProperty("x-lockd-query-index-seq");
    await shelf.commit("a", '{"s":"x"}');
    const flush = (search: string) =>
      wire.ask(`/v1/index/flush?namespace=${namespace}${search}`, { method: "POST" });
    const waited = await flush("");
    expect([waited.status, waited.json]).toEqual([
      200,
      {
        namespace,
        mode: "wait",
        accepted: true,
        flushed: true,
        pending: false,
        index_seq: expect.any(Number),
      },
    ]);
    const found = await shelf.query("&eq.field=/s&eq.value=x");
    expect(found.json).toMatchObject({ keys: ["a"], index_seq: waited.json.index_seq });
    expect(found.json.metadata).toMatchObject({
      engine: "index",
      index_pending: "false",
      index_updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect(found.headers["x-lockd-query-index-seq"]).toBe(String(waited.json.index_seq));
    await shelf.commit("b", '{"s":"x"}');
    expect(await shelf.keys("&refresh=wait_for")).toEqual(["a", "b"]);
    const later = await flush("&mode=ASYNC");
    expect([later.status, later.json]).toEqual([
      202,
      {
        namespace,
        mode: "async",
        accepted: true,
        flushed: false,
        pending: expect.any(Boolean),
        flush_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    ]);
    expect(await wire.refused(flush("&mode=later"))).toBe("400 invalid_mode");
    const got = await wire.ask(`/v1/index/flush?namespace=${namespace}`);
    expect([got.status, got.headers.allow]).toEqual([405, "POST"]);
  });

  test("49, 50, 52: rows, trailers and cursors of an index", async () => {
    const shelf = new NamespaceWire(wire);
    for (const key of ["a", "b", "c"]) await shelf.commit(key, '{"s":"x"}');
    const { body, trailers } = await shelf.documents("&refresh=wait_for&limit=2");
    const row = (key: string) =>
      `{"ns":"${shelf.namespace}","key":"${key}","ver":1,"doc":{"s":"x"}}\n`;
    expect(body).toBe(row("a") + row("b"));
    expect(trailers.map((line) => line.slice(0, line.indexOf(":")))).toEqual([
      "X-Lockd-Query-Cursor",
      "X-Lockd-Query-Index-Seq",
      "X-Lockd-Query-Metadata",
    ]);
    expect(trailers[0]).toBe("X-Lockd-Query-Cursor: indexv1:Yg");
    expect(trailers[1]).toMatch(/: [1-9]\d*$/);
    expect(await shelf.keys("&cursor=indexv1:Yg")).toEqual(["c"]);
    expect(await shelf.keys("&cursor=scanv1:Yg")).toBe("400 invalid_cursor");
    expect(await shelf.keys("&engine=scan")).toBe("400 query_engine_unavailable");
  });
}
