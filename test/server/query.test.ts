/** Queries as bytes on the wire (query-and-lql.md sections 4, 9 to 11; cases 46 to 67). */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { StoreFailure } from "../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { SystemClock } from "../../src/host/clock.ts";
import { systemRandom } from "../../src/host/random.ts";
import { type RunningServer, startServer } from "../../src/server/server.ts";
import { ScriptedStore } from "../support/scripted-store.ts";
import { call, RawConnection } from "./raw-http.ts";

const store = new ScriptedStore();
let engine: Engine;
let server: RunningServer;
let url = "";
const long = JSON.stringify({ status: "long", text: "x".repeat(200_000) });

beforeAll(async () => {
  const clock = new SystemClock();
  const random = systemRandom();
  engine = new Engine({
    store,
    clock,
    random,
    telemetry: silentTelemetry,
    defaultNamespace: "default",
    jsonBytesMax: 1_000_000,
    defaultTtlSeconds: 30,
    maxTtlSeconds: 1_800,
    acquireBlockSeconds: 60,
  });
  server = await startServer({
    lockd: engine,
    clock,
    random,
    telemetry: silentTelemetry,
    listeners: [{ proto: "tcp", host: "127.0.0.1", port: 0 }],
    drainGraceMs: 0,
    shutdownTimeoutMs: 1_000,
    bodyIdleTimeoutMs: 0,
    onBug: () => {},
  });
  url = server.endpoints[0] ?? "";
  await commit("a", '{"status":"open","n":1.10}');
  await commit("b", '{"status":"done","n":9007199254740993}');
  await commit("c/d", '{"status":"open","t":"é}"}');
  await commit("one", long, "long");
  await commit("two", '{"n":2}', "long");
});
afterAll(async () => {
  await server.stop();
  await engine.close();
});

async function commit(key: string, text: string, namespace = "default"): Promise<void> {
  const lease = await engine.acquire({ namespace, key, owner: "w", blockSeconds: -1 });
  const { leaseId, txnId, fencingToken } = lease;
  const address = { namespace, key, leaseId, txnId, fencingToken };
  await engine.update({ ...address, release: "commit" }, Buffer.from(text));
}

const open = JSON.stringify({ eq: { field: "/status", value: "open" } });

async function keysOf(search: string, body?: unknown): Promise<unknown> {
  const options = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await call(`${url}/v1/query${search}`, options);
  return answer.status === 200 ? answer.json.keys : `${answer.status} ${answer.json.error}`;
}

describe("keys", () => {
  test("46: POST without a body and GET say the same", async () => {
    const got = await call(`${url}/v1/query?namespace=DEFAULT`);
    expect(got.json).toEqual({
      namespace: "default",
      keys: ["a", "b", "c/d"],
      metadata: {
        engine: "scan",
        query_candidates_seen: "3",
        query_candidates_matched: "3",
        query_bytes_captured: "0",
        query_spill_count: "0",
        query_spill_bytes: "0",
      },
    });
    expect(got.headers).toMatchObject({
      "content-type": "application/json",
      "x-lockd-query-return": "keys",
      "x-lockd-query-metadata": JSON.stringify(got.json.metadata),
    });
    expect(got.headers).not.toHaveProperty("x-lockd-query-cursor");
    expect(got.headers).not.toHaveProperty("x-lockd-query-index-seq");
    const connection = new RawConnection(url);
    connection.say("POST /v1/query HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await connection.closed();
    expect(connection.heard).toContain('"keys":["a","b","c/d"]');
  });

  test("47, 50, 51: limits and cursors", async () => {
    expect(await keysOf("", { selector: { eq: { field: "/status", value: "x" } } })).toEqual([]);
    const first = await call(`${url}/v1/query?limit=2`);
    expect(first.json).toMatchObject({ keys: ["a", "b"], cursor: "scanv1:Yg" });
    expect(first.headers).toMatchObject({ "x-lockd-query-cursor": "scanv1:Yg" });
    expect(await keysOf("?limit=2&cursor=scanv1:Yg")).toEqual(["c/d"]);
    expect(await keysOf("", { limit: 1 })).toEqual(["a"]);
    expect(await keysOf("?limit=abc", { limit: 1 })).toEqual(["a"]);
    expect(await keysOf("?limit=2", { limit: 1, cursor: "scanv1:Yg" })).toEqual(["c/d"]);
  });

  test("53, 54, 55: where the selector may stand, and which wins", async () => {
    const selector = encodeURIComponent(open);
    const found = ["a", "c/d"];
    expect(await keysOf(`?selector=${selector}`)).toEqual(found);
    expect(await keysOf("", { selector: JSON.parse(open) })).toEqual(found);
    expect(await keysOf("?eq.field=/status&eq.value=open")).toEqual(found);
    expect(await keysOf("?eq%7Bfield=/status,value=open%7D=")).toEqual(found);
    expect(await keysOf("?eq%7Bfield%3D/status%2Cvalue%3Dopen%7D=")).toEqual(found);
    expect(await keysOf("?eq.field=/status&eq.value=open", { selector: {} })).toEqual(found);
    const done = { selector: { eq: { field: "/status", value: "done" } } };
    expect(await keysOf("?eq.field=/status&eq.value=open", done)).toEqual(["b"]);
    expect(await keysOf(`?selector=${selector}`, done)).toEqual(found);
    expect(await keysOf("?/status=open")).toEqual(["a", "b", "c/d"]);
    for (const bad of ["/status=open", "{", "[1]", '"x"', '{"eq":{"field":"x"}}']) {
      const search = `?selector=${encodeURIComponent(bad)}`;
      expect(await keysOf(search)).toBe("400 invalid_selector");
    }
    expect(await keysOf("?eq.field=/a&eq.field=/b")).toBe("400 invalid_selector");
  });

  test("numbers of a selector keep their digits", async () => {
    const body = (value: string) =>
      call(`${url}/v1/query`, { body: `{"selector":{"eq":{"field":"/n","value":${value}}}}` });
    expect((await body("9007199254740993")).json.keys).toEqual(["b"]);
    expect((await body("9007199254740992")).json.keys).toEqual([]);
    expect((await body("1.1")).json.keys).toEqual(["a"]);
    expect((await body("11e-1")).json.keys).toEqual(["a"]);
    await commit("text", '{"n":"1000"}', "digits");
    const spelled = '{"namespace":"digits","selector":{"eq":{"field":"/n","value":1.0e3}}}';
    expect((await call(`${url}/v1/query`, { body: spelled })).json.keys).toEqual(["text"]);
  });

  test("56: what is wrong, in the order of the contract", async () => {
    const body = { return: "rows", selector: [1], namespace: ".x" };
    const text = async (raw: string) => {
      const answer = await call(`${url}/v1/query`, { body: raw });
      return `${answer.status} ${answer.json.error}`;
    };
    for (const raw of ["{", "[]", "1", '{"limit":"5"}', '{"limit":1.5}', '{"namespace":1}']) {
      expect(await text(raw)).toBe("400 invalid_body");
    }
    const wrong = "&fields=[1]&engine=x&return=rows&refresh=now&cursor=x";
    expect(await keysOf(`?${wrong}`, body)).toBe("400 invalid_return");
    expect(await keysOf(`?${wrong}`, { ...body, return: "docs" })).toBe("400 invalid_selector");
    expect(await keysOf(`?${wrong}`, { namespace: ".x" })).toBe("400 invalid_namespace");
    expect(await keysOf(`?${wrong}`)).toBe("400 invalid_fields");
    expect(await keysOf("?fields=nonsense")).toBe("400 invalid_fields");
    expect(await keysOf("?engine=x&return=rows&refresh=now&cursor=x")).toBe("400 invalid_engine");
    expect(await keysOf("?return=rows&refresh=now&cursor=x")).toBe("400 invalid_return");
    expect(await keysOf("?refresh=now&cursor=x")).toBe("400 invalid_refresh");
    expect(await keysOf("?engine=index&cursor=x")).toBe("400 query_engine_unavailable");
    expect(await keysOf("?cursor=x")).toBe("400 invalid_cursor");
    expect(await keysOf("", { unknown: 1, limit: 1, fields: {}, cursor: "" })).toEqual(["a"]);
  });

  test("too many at once: 429 with a hint and the state of the guard", async () => {
    const running = await Promise.all(
      Array.from({ length: 256 }, () => engine.queries.documents({})),
    );
    const refused = await call(`${url}/v1/query`);
    await Promise.all(running.map((documents) => documents.close()));
    expect([refused.status, refused.json.error]).toEqual([429, "throttled"]);
    expect(refused.headers).toMatchObject({ "retry-after": "1", "x-lockd-qrf-state": "engaged" });
    expect(await keysOf("?limit=1")).toEqual(["a"]);
  });

  test("a body nested without end is refused, not fatal", async () => {
    const deep = `{"selector":${'{"not":'.repeat(50_000)}{"n":1.5}${"}".repeat(50_001)}`;
    const answer = await call(`${url}/v1/query`, { body: deep });
    expect(answer.status).toBe(400);
    expect(["invalid_body", "invalid_selector"]).toContain(answer.json.error);
  });
});

/** Sends one request on a connection of its own and hears everything that comes back. */
async function heard(target: string, method = "GET"): Promise<string> {
  const connection = new RawConnection(url);
  connection.say(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await connection.closed();
  return connection.heard;
}

/** Head, body without chunk sizes, and trailers of a chunked answer. */
function parts(answer: string): { head: string; body: string; trailers: string } {
  const [head = "", rest = ""] = splitAt(answer, "\r\n\r\n");
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd === -1) throw new Error(`no last chunk in: ${answer.slice(0, 2000)}`);
    const size = Number.parseInt(rest.slice(at, lineEnd), 16);
    if (size === 0) return { head, body, trailers: rest.slice(lineEnd + 2) };
    body += rest.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

function splitAt(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

describe("documents", () => {
  test("49: rows, then trailers", async () => {
    const { head, body, trailers } = parts(await heard("/v1/query?return=Docs&limit=2"));
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head).toMatch(/^Content-Type: application\/x-ndjson\r?$/m);
    expect(head).toMatch(/^X-Lockd-Query-Return: documents\r?$/m);
    expect(head).toMatch(/^Trailer: .*X-Lockd-Query-Cursor.*\r?$/m);
    expect(head).toMatch(/^Transfer-Encoding: chunked\r?$/m);
    expect(head).not.toMatch(/^X-Lockd-Query-(Cursor|Metadata)/m);
    expect(body).toBe(
      '{"ns":"default","key":"a","ver":1,"doc":{"status":"open","n":1.10}}\n' +
        '{"ns":"default","key":"b","ver":1,"doc":{"status":"done","n":9007199254740993}}\n',
    );
    for (const line of body.trim().split("\n")) {
      expect(line).toMatch(/^{"ns":".*","key":".*","ver":\d+,"doc":/);
    }
    expect(trailers).toMatch(
      /^X-Lockd-Query-Cursor: scanv1:Yg\r\nX-Lockd-Query-Metadata: {"engine/,
    );
    expect(trailers).not.toContain("Index-Seq");
    expect(trailers).toMatch(/}\r\n\r\n$/);
  });

  test("48: no row is an empty body and trailers without a cursor", async () => {
    const { head, body, trailers } = parts(
      await heard("/v1/query?return=documents&eq.field=/status&eq.value=nowhere", "POST"),
    );
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect([body, trailers.includes("Cursor")]).toEqual(["", false]);
    expect(trailers).toContain("X-Lockd-Query-Metadata");
  });

  test("non-ASCII goes out as it is, long documents whole", async () => {
    const plain = await call(`${url}/v1/query?return=documents&cursor=scanv1:Yg`);
    expect(plain.text).toBe(
      '{"ns":"default","key":"c/d","ver":1,"doc":{"status":"open","t":"é}"}}\n',
    );
    const streamed = await call(`${url}/v1/query?namespace=long&return=documents`);
    expect(streamed.text).toBe(
      `{"ns":"long","key":"one","ver":1,"doc":${long}}\n` +
        '{"ns":"long","key":"two","ver":1,"doc":{"n":2}}\n',
    );
  });

  test("a row goes out before the next one is found", async () => {
    const scan = store.scan;
    const gate = Promise.withResolvers<void>();
    store.scan = async (prefix, options) => {
      if (options.after?.endsWith("/a")) await gate.promise;
      return scan.call(store, prefix, { ...options, limit: 1 });
    };
    const connection = new RawConnection(url);
    connection.say("GET /v1/query?return=documents HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await connection.until(/"doc":{"status":"open","n":1.10}}\n/)).not.toContain('"b"');
    gate.resolve();
    await connection.until(/\r\n0\r\n/);
    connection.socket.destroy();
    store.scan = scan;
  });

  test("a failure before the first row is an ordinary answer", async () => {
    const scan = store.scan;
    store.scan = async () => {
      throw new StoreFailure("unavailable", "busy");
    };
    const answer = await call(`${url}/v1/query?return=documents`);
    store.scan = scan;
    expect([answer.status, answer.json.error]).toEqual([503, "store_unavailable"]);
  });

  test("58: a failure after the first row cuts the connection: no trailers", async () => {
    const getStream = store.getStream;
    store.getStream = async (name) => {
      const opened = await getStream.call(store, name);
      if (opened === undefined) return undefined;
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from(long.slice(0, 100_000));
        throw new StoreFailure("unavailable", "the disk is gone");
      }
      return {
        size: opened.size,
        body: { [Symbol.asyncIterator]: broken, close: async () => {} },
      };
    };
    const answer = await heard("/v1/query?namespace=long&return=documents");
    store.getStream = getStream;
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('{"ns":"long","key":"one"');
    expect(answer).not.toMatch(/\r\n0\r\n/);
    expect(answer).not.toContain("X-Lockd-Query-Metadata:");
  });

  test("a client that goes away ends the walk", async () => {
    const scan = store.scan;
    let scans = 0;
    const gone = Promise.withResolvers<void>();
    store.scan = async (prefix, options) => {
      scans += 1;
      await gone.promise;
      return scan.call(store, prefix, { ...options, limit: 1 });
    };
    const connection = new RawConnection(url);
    connection.say("GET /v1/query?exists=/nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    await expect.poll(() => scans).toBe(1);
    // A reset: the end of sending alone would not say that nobody listens.
    connection.socket.resetAndDestroy();
    await connection.closed();
    // The server hears of it in its own time.
    await call(`${url}/healthz`);
    gone.resolve();
    await call(`${url}/healthz`);
    store.scan = scan;
    expect(scans).toBe(1);
  });

  test("half-closed, even a walk without end has one", { timeout: 30_000 }, async () => {
    const scan = store.scan;
    store.scan = async (prefix, options) => {
      await sleep(50);
      return { ...(await scan.call(store, prefix, { ...options, after: prefix })), more: true };
    };
    const connection = new RawConnection(url);
    connection.say("GET /v1/query?exists=/nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    connection.hangUp();
    await connection.closed();
    store.scan = scan;
    expect(connection.heard).toMatch(/^HTTP\/1\.1 409 Conflict\r\n/);
  });
});

describe("namespace and index", () => {
  test("66, 67: configuration over GET, POST and PUT", async () => {
    const at = `${url}/v1/namespace`;
    const unset = await call(`${at}?namespace=cfg`);
    expect(unset.json).toEqual({
      namespace: "cfg",
      query: { preferred_engine: "scan", fallback_engine: "none" },
    });
    expect(unset.headers).not.toHaveProperty("etag");
    const body = JSON.stringify({ namespace: "cfg", query: { fallback_engine: "scan" } });
    const set = await call(`${at}?namespace=other`, { method: "POST", body });
    expect(set.json).toMatchObject({ namespace: "cfg", query: { fallback_engine: "scan" } });
    const etag = set.headers.etag ?? "";
    expect(etag).toMatch(/^[0-9a-v]{20}$/);
    const put = await call(at, { method: "PUT", body, headers: { "if-match": `"${etag}"` } });
    expect(put.status).toBe(200);
    const stale = await call(at, { method: "PUT", body, headers: { "if-match": etag } });
    expect([stale.status, stale.json.error]).toEqual([409, "namespace_config_conflict"]);
    const deleted = await call(at, { method: "DELETE" });
    expect([deleted.status, deleted.json.error]).toEqual([405, "method_not_allowed"]);
    expect(deleted.headers.allow).toBe("GET, POST, PUT");
  });

  test("66: bodies that are no configuration", async () => {
    const code = async (body: string, search = "") => {
      const answer = await call(`${url}/v1/namespace${search}`, { method: "POST", body });
      return answer.json.error;
    };
    expect(await code('{"namespace":"cfg2"}')).toBe("invalid_namespace_request");
    expect(await code('{"query":null}')).toBe("invalid_namespace_request");
    expect(await code("null")).toBe("invalid_namespace_request");
    expect(await code('{"query":{"preferred_engine":"x"}}')).toBe("invalid_namespace_request");
    const bad = ["", "{", "[]", '{"x":1}', '{"query":1}', '{"query":{"x":1}}', '{"namespace":1}'];
    for (const body of [...bad, '{"query":{"preferred_engine":1}}', `"${"x".repeat(40_000)}"`]) {
      expect(await code(body)).toBe("invalid_body");
    }
    expect(await code("{", "?namespace=.x")).toBe("invalid_namespace");
    expect(await code('{"namespace":".x"}')).toBe("invalid_namespace");
  });

  test("63: flush takes POST only and known modes only", async () => {
    const at = `${url}/v1/index/flush`;
    const got = await call(at);
    expect([got.status, got.json.error, got.headers.allow]).toEqual([
      405,
      "method_not_allowed",
      "POST",
    ]);
    const code = async (search: string, body = "") => {
      const answer = await call(`${at}${search}`, { method: "POST", body });
      return `${answer.status} ${answer.json.error}`;
    };
    expect(await code("?mode=later")).toBe("400 invalid_mode");
    expect(await code("?mode=wait", '{"mode":"later"}')).toBe("501 index_unavailable");
    expect(await code("", '{"mode":"later"}')).toBe("400 invalid_mode");
    expect(await code("", '{"x":1}')).toBe("400 invalid_body");
    expect(await code("?namespace=.x")).toBe("400 invalid_namespace");
  });
});
