import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LockdConfigError, LockdProtocolError, LockdTransportError } from "../../src/api/errors.ts";
import type { BodyOutStream } from "../../src/api/lockd.ts";
import { isFatalTlsFailure } from "../../src/client/tls-failure.ts";
import { JumpingClock } from "../support/jumping-clock.ts";
import { failed, hang, ok, ScriptedServer } from "../support/scripted-server.ts";
import { carrier, failureOf, lease, serve } from "./http-fixture.ts";

const stateHeaders = { etag: "e3", "x-key-version": "3", "x-fencing-token": "7" };

function streamOf(body: unknown): BodyOutStream {
  if (body instanceof Uint8Array) throw new Error("expected a stream");
  return body as BodyOutStream;
}

describe("get", () => {
  it("reads a short state whole, with lease headers", async () => {
    const server = await serve([ok('{"n":1}', { ...stateHeaders, etag: '"e3"' })]);
    const result = await carrier(server.url).get(lease);
    expect(result).toMatchObject({ exists: true, version: 3, etag: "e3", size: 7 });
    expect(Buffer.from(result.body as Uint8Array).toString()).toBe('{"n":1}');
    expect(server.requests[0]).toMatchObject({
      path: "/v1/get",
      headers: { "x-lease-id": lease.leaseId, "x-fencing-token": "7" },
    });
    expect(server.requests[0]?.query.has("public")).toBe(false);
  });

  it("asks for the committed state without a lease, escaping the key", async () => {
    const server = await serve([{ kind: "answer", status: 204 }]);
    const result = await carrier(server.url).get({ key: "a&b c/ü", public: true });
    expect(result).toMatchObject({ exists: false, version: 0, etag: "", size: 0 });
    const [request] = server.requests;
    expect(request?.query.get("key")).toBe("a&b c/ü");
    expect(request?.query.get("public")).toBe("1");
    expect(request?.headers["x-lease-id"]).toBeUndefined();
  });

  it("streams a long state", async () => {
    const long = Buffer.alloc(300_000, 0x20);
    const server = await serve([ok(long, stateHeaders)]);
    const result = await carrier(server.url).get(lease);
    expect(result.size).toBe(300_000);
    let bytes = 0;
    for await (const chunk of streamOf(result.body)) bytes += chunk.byteLength;
    expect(bytes).toBe(300_000);
  });

  it("says truncated when a long state breaks off", async () => {
    const long = Buffer.alloc(300_000, 0x20);
    const server = await serve([
      { kind: "answer", body: long, headers: stateHeaders, cutAfterBytes: 100_000 },
    ]);
    const result = await carrier(server.url).get(lease);
    const reading = (async () => {
      for await (const _chunk of streamOf(result.body));
    })();
    const error = await failureOf(reading);
    expect(error).toBeInstanceOf(LockdTransportError);
    expect(error).toMatchObject({ code: "truncated" });
  });

  it("only the caller's own limit cuts a long state", async () => {
    const server = await endlessServer();
    for (const [call, cut] of [
      [{}, false],
      [{ timeoutMs: 20_000 }, true],
    ] as const) {
      const clock = new JumpingClock();
      const result = await carrier(server.url, { clock }).get(lease, call);
      clock.advance(20_000);
      const reading = (async () => {
        let chunks = 0;
        for await (const _chunk of streamOf(result.body)) {
          chunks += 1;
          if (chunks > 100) return "went on";
        }
        return "ended";
      })();
      if (cut) expect(await failureOf(reading)).toMatchObject({ code: "truncated" });
      else expect(await reading).toBe("went on");
    }
    await server.close();
  });

  it("an abort in the middle of a long state rejects with the reason", async () => {
    const { url, close } = await endlessServer();
    const abort = new AbortController();
    const result = await carrier(url).get(lease, { signal: abort.signal });
    const reading = (async () => {
      for await (const _chunk of streamOf(result.body)) abort.abort("seen enough");
    })();
    expect(await failureOf(reading)).toBe("seen enough");
    await close();
  });

  it("holds a bounded part of the state when nobody reads, and close cuts it", async () => {
    const server = await endlessServer();
    const result = await carrier(server.url).get(lease);
    await server.stalled();
    const written = server.written();
    // Socket buffers of both sides and ours: far below what an unbounded reader would take.
    expect(written).toBeLessThan(32 * 1024 * 1024);
    const stream = streamOf(result.body);
    await stream.close();
    await stream.close();
    await server.closed;
    await server.close();
  });

  it("takes no more from an upload's source than the server reads", async () => {
    const server = createServer((request) => request.pause());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const chunk = Buffer.alloc(256 * 1024, 0x20);
    let taken = 0;
    let stalls = (): void => {};
    const stalled = new Promise<void>((resolve) => {
      stalls = resolve;
    });
    const source = (async function* () {
      let timer: NodeJS.Timeout | undefined;
      for (;;) {
        clearTimeout(timer);
        taken += chunk.byteLength;
        timer = setTimeout(stalls, 300);
        yield chunk;
      }
    })();
    const abort = new AbortController();
    const lockd = carrier(`http://127.0.0.1:${port}`);
    const sending = failureOf(lockd.update(lease, source, { signal: abort.signal }));
    await stalled;
    expect(taken).toBeLessThan(32 * 1024 * 1024);
    abort.abort("enough");
    expect(await sending).toBe("enough");
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  it("refuses a state without etag", async () => {
    const server = await serve([ok("1", { "x-key-version": "1" })]);
    expect(await failureOf(carrier(server.url).get(lease))).toBeInstanceOf(LockdProtocolError);
  });

  it("refuses values that a header cannot carry before any request", async () => {
    const server = await serve(() => hang);
    const bad = { ...lease, leaseId: "a\r\nx-evil: 1" };
    expect(await failureOf(carrier(server.url).get(bad))).toBeInstanceOf(LockdConfigError);
    const call = { correlationId: "ä" };
    expect(await failureOf(carrier(server.url).get(lease, call))).toBeInstanceOf(LockdConfigError);
    expect(server.requests).toHaveLength(0);
  });
});

describe("status", () => {
  const described = {
    namespace: "default",
    key: "k",
    owner: "w1",
    lease_id: lease.leaseId,
    expires_at_unix: 1_700_000_030,
    version: 2,
    metadata: { query_hidden: true },
  };

  it("decodes the extension", async () => {
    const body = { ...described, held: true, fencing_token: 9, remaining_ms: 30_000, waiters: 2 };
    const server = await serve([ok({ ...body, staged: true })]);
    expect(await carrier(server.url).status({ key: "k" })).toMatchObject({
      held: true,
      fencingToken: 9,
      remainingMs: 30_000,
      waiters: 2,
      staged: true,
      metadata: { queryHidden: true },
    });
    expect(server.requests[0]?.path).toBe("/v1/x/status");
  });

  it("falls back to describe on an old server", async () => {
    const server = await serve([failed(404, "not_found"), ok(described)]);
    const lockd = carrier(server.url, { clock: new JumpingClock() });
    expect(await lockd.status({ key: "k" })).toMatchObject({
      held: true,
      owner: "w1",
      remainingMs: 30_000,
      waiters: undefined,
    });
  });
});

describe("other verbs", () => {
  it("keepalive, release, remove and metadata send what the contract says", async () => {
    const server = await serve([
      ok({ expires_at_unix: 5, version: 2, state_etag: "e2" }, { "x-fencing-token": "7" }),
      ok({ released: true }),
      ok({ removed: true, new_version: 4 }, { "x-key-version": "4" }),
      ok({ removed: false }, { "x-key-version": "0" }),
      ok({ namespace: "default", key: "orders/1", version: 4, metadata: {} }),
    ]);
    const lockd = carrier(server.url);
    expect(await lockd.keepAlive({ ...lease, ttlSeconds: 2.5 })).toEqual({
      expiresAtUnix: 5,
      fencingToken: 7,
      version: 2,
      stateEtag: "e2",
    });
    expect(await lockd.release({ ...lease, rollback: true })).toEqual({ released: true });
    expect(await lockd.remove({ ...lease, ifVersion: 3 })).toMatchObject({ newVersion: 4 });
    expect(await lockd.remove(lease)).toMatchObject({ removed: false, newVersion: 0 });
    await lockd.updateMetadata({ ...lease, queryHidden: true });
    const sent = server.requests.map(({ path, body }) => [path, body.toString()]);
    const ids = { key: "orders/1", lease_id: lease.leaseId };
    expect(sent).toEqual([
      ["/v1/keepalive", JSON.stringify({ ...ids, ttl_seconds: 3, txn_id: lease.txnId })],
      ["/v1/release", JSON.stringify({ ...ids, txn_id: lease.txnId, rollback: true })],
      ["/v1/remove", ""],
      ["/v1/remove", ""],
      ["/v1/metadata", '{"query_hidden":true}'],
    ]);
    expect(server.requests[2]?.headers["x-if-version"]).toBe("3");
  });

  it("sends no member of its own accord when it is given a whole acquire answer", async () => {
    const server = await serve([ok({ expires_at_unix: 5 }), ok({ released: true })]);
    const lockd = carrier(server.url);
    const answer = { ...lease, namespace: "default", owner: "w1", version: 3, expiresAtUnix: 1 };
    await lockd.keepAlive(answer);
    await lockd.release(answer);
    for (const { body } of server.requests) {
      const known = ["namespace", "key", "lease_id", "txn_id"];
      expect(Object.keys(JSON.parse(body.toString()))).toEqual(known);
    }
  });

  it("goes through a unix socket with a base path", async () => {
    const directory = await mkdtemp(join(tmpdir(), "lockd-client-"));
    const socket = join(directory, "lockd.sock");
    const server = await ScriptedServer.start([ok({ released: true })], socket);
    const lockd = carrier(`unix://${socket}?path=/base`);
    await lockd.release(lease);
    expect(server.requests[0]).toMatchObject({ path: "/base/v1/release" });
    expect(server.requests[0]?.headers.host).toBe("unix");
    await server.close();
    await rm(directory, { recursive: true });
  });

  it("reports drain announcements of every answer, failed ones included", async () => {
    const server = await serve([failed(403, "lease_expired", {}, { "shutdown-imminent": "true" })]);
    const seen: unknown[] = [];
    const onAnswer = (endpoint: string, headers: object) => seen.push([endpoint, headers]);
    await failureOf(carrier(server.url, { onAnswer }).release(lease));
    expect(seen).toEqual([[server.url, expect.objectContaining({ "shutdown-imminent": "true" })]]);
  });
});

describe("TLS", () => {
  it("a server that does not speak TLS is unreachable, not fatal", async () => {
    const server = createTcpServer((socket) => socket.end("nothing of TLS\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const error = await failureOf(carrier(`https://127.0.0.1:${port}`).describe({ key: "k" }));
    expect(error).toMatchObject({ code: "transport", outcomeUnknown: false });
    server.close();
  });

  it.each([
    ["DEPTH_ZERO_SELF_SIGNED_CERT", true],
    ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", true],
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", true],
    ["ERR_SSL_WRONG_VERSION_NUMBER", false],
    ["ECONNRESET", false],
  ])("%s is fatal: %s", (code, fatal) => {
    const cause = Object.assign(new Error("tls"), { code });
    expect(isFatalTlsFailure(new Error("outer", { cause }))).toBe(fatal);
  });
});

/** Answers one get with a state that never ends, as fast as the reader takes it. */
async function endlessServer() {
  const chunk = Buffer.alloc(256 * 1024, 0x20);
  let written = 0;
  let stalls = (): void => {};
  const stalled = new Promise<void>((resolve) => {
    stalls = resolve;
  });
  let closes = (): void => {};
  const closed = new Promise<void>((resolve) => {
    closes = resolve;
  });
  const server = createServer((_request, response) => {
    response.writeHead(200, stateHeaders);
    response.on("close", closes);
    const fill = (): void => {
      for (;;) {
        written += chunk.byteLength;
        if (!response.write(chunk)) break;
      }
      // Not drained for a while: the other side has stopped reading.
      const timer = setTimeout(stalls, 300);
      response.once("drain", () => {
        clearTimeout(timer);
        fill();
      });
    };
    fill();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stalled: () => stalled,
    closed,
    written: () => written,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
