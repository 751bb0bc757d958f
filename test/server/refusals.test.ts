/** What HTTP itself refuses carries the contract's envelope, too (http-core.md section 5). */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RealServer, startRealServer } from "../support/real-server.ts";
import { chunked, headerIn } from "./raw-chunks.ts";
import { call, RawConnection } from "./raw-http.ts";

let server: RealServer;
let url = "";

beforeAll(async () => {
  server = await startRealServer({ bodyIdleTimeoutMs: 200 });
  url = server.url;
});
afterAll(() => server.stop());

interface Heard {
  readonly line: string;
  readonly head: string;
  readonly json: Record<string, unknown>;
}

/** The only answer to some bytes, on a connection that the server closes behind it. */
async function refusal(text: string): Promise<Heard> {
  const raw = new RawConnection(url);
  raw.say(text);
  await raw.closed();
  const [head = "", body = ""] = raw.heard.split("\r\n\r\n");
  expect(headerIn(head, "Content-Type")).toBe("application/json");
  expect(headerIn(head, "Content-Length")).toBe(String(body.length));
  expect(headerIn(head, "Connection")).toBe("close");
  expect(headerIn(head, "X-Correlation-Id")).toMatch(/^[\x20-\x7e]{1,128}$/);
  const json = JSON.parse(body) as Record<string, unknown>;
  expect(typeof json.detail).toBe("string");
  return { line: head.slice(0, head.indexOf("\r\n")), head, json };
}

const acquire = '{"key":"k","owner":"w"}';

// Two of them wait for the ten seconds that a silent connection has.
describe.concurrent("refused and closed", () => {
  test.each([
    ["garbage", "hello there\r\n\r\n"],
    ["an unknown method", "BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a wrong version", "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n"],
    ["a target that is no target", "GET nonsense HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a header without a name", "GET /healthz HTTP/1.1\r\n: x\r\n\r\n"],
    ["a wrong length", "POST /v1/acquire HTTP/1.1\r\nContent-Length: ten\r\n\r\n"],
    [
      "a length and chunks at once",
      "POST /v1/acquire HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    [
      "a chunk without a size",
      `POST /v1/acquire HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n${acquire}\r\n`,
    ],
  ])("400: %s", async (_what, text) => {
    const { line, json } = await refusal(text);
    expect([line, json.error]).toEqual(["HTTP/1.1 400 Bad Request", "malformed_request"]);
  });

  test("408: a body that stands still", async () => {
    const { line, json } = await refusal("POST /v1/acquire HTTP/1.1\r\nContent-Length: 9\r\n\r\n{");
    expect([line, json.error]).toEqual(["HTTP/1.1 408 Request Timeout", "request_timeout"]);
  });

  test("408: headers that never end", { timeout: 20_000 }, async () => {
    const { line, json } = await refusal("GET /healthz HTTP/1.1\r\nX-Slow: ");
    expect([line, json.error]).toEqual(["HTTP/1.1 408 Request Timeout", "request_timeout"]);
  });

  test("a connection on which nothing was asked is closed without a word", {
    timeout: 20_000,
  }, async () => {
    const raw = new RawConnection(url);
    await raw.closed();
    expect(raw.heard).toBe("");
  });

  test("413: extensions of chunks", async () => {
    const [head] = chunked("/v1/acquire", [], []).split("0\r\n\r\n");
    const { line, json } = await refusal(`${head}1;${"x".repeat(20_000)}\r\n`);
    expect([line, json.error]).toEqual([
      "HTTP/1.1 413 Payload Too Large",
      "chunk_extensions_too_large",
    ]);
  });

  test("417: an expectation nobody knows, under the request's own id", async () => {
    const { line, head, json } = await refusal(
      `POST /v1/acquire HTTP/1.1\r\nX-Correlation-Id: mine\r\nExpect: miracles\r\n` +
        `Content-Length: ${acquire.length}\r\n\r\n${acquire}`,
    );
    expect([line, json.error]).toEqual(["HTTP/1.1 417 Expectation Failed", "expectation_failed"]);
    expect(headerIn(head, "X-Correlation-Id")).toBe("mine");
  });

  test("431: more headers than 1 MiB, the rest of them still on the way", async () => {
    const { line, json } = await refusal(
      `GET /healthz HTTP/1.1\r\nX-Long: ${"x".repeat(3 * 1024 * 1024)}\r\n\r\n`,
    );
    expect([line, json.error]).toEqual([
      "HTTP/1.1 431 Request Header Fields Too Large",
      "headers_too_large",
    ]);
  });

  test("405: CONNECT", async () => {
    const { line, head, json } = await refusal(
      "CONNECT elsewhere:443 HTTP/1.1\r\nX-Correlation-Id: mine\r\nHost: elsewhere:443\r\n\r\n",
    );
    expect([line, json.error]).toEqual(["HTTP/1.1 405 Method Not Allowed", "method_not_allowed"]);
    expect(headerIn(head, "Allow")).toBe("GET, POST, PUT, DELETE");
    expect(headerIn(head, "X-Correlation-Id")).toBe("mine");
  });
});

test("nothing is said into an answer that somebody else waits for", async () => {
  const held = JSON.stringify({ key: "held", owner: "w", ttl_seconds: 30, block_seconds: -1 });
  await call(`${url}/v1/acquire`, { body: held });
  const waiting = '{"key":"held","owner":"x"}';
  const raw = new RawConnection(url);
  raw.say(`POST /v1/acquire HTTP/1.1\r\nContent-Length: ${waiting.length}\r\n\r\n${waiting}`);
  raw.say("garbage\r\n\r\n");
  await raw.closed();
  expect(raw.heard).toBe("");
  const look = async () => (await call(`${url}/v1/x/status?key=held`)).json.waiters;
  await expect.poll(look).toBe(0);
});

describe("unusual and answered", () => {
  async function answered(text: string): Promise<string> {
    const raw = new RawConnection(url);
    raw.say(text);
    const heard = await raw.until(/\r\n\r\n\{.*\}\n?$|Content-Length: 0\r\n[\s\S]*\r\n\r\n$/);
    raw.socket.destroy();
    return heard;
  }

  test("OPTIONS * and other targets that are no paths: 404 with the envelope", async () => {
    for (const line of ["OPTIONS * HTTP/1.1", "GET http://x HTTP/1.1", "GET //healthz HTTP/1.1"]) {
      const heard = await answered(`${line}\r\nHost: x\r\n\r\n`);
      expect(heard).toMatch(/^HTTP\/1\.1 404 Not Found\r\nX-Correlation-Id: /);
      expect(heard).toContain('{"error":"not_found"');
    }
  });

  test("HTTP/1.0 without Host", async () => {
    const raw = new RawConnection(url);
    raw.say("GET /v1/describe?key=k HTTP/1.0\r\n\r\n");
    await raw.closed();
    expect(raw.heard).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*"key":"k"/);
  });

  test("any upgrade is answered as if nobody had asked for it", async () => {
    const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(await answered(`GET /healthz HTTP/1.1\r\n${upgrade}`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const headers = `Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: ${acquire.length}`;
    const heard = await answered(`POST /v1/acquire HTTP/1.1\r\n${headers}\r\n\r\n${acquire}`);
    expect(heard).toContain('"owner":"w"');
  });

  test("405 where the method counts, with the methods that do", async () => {
    const heard = await answered("PUT /v1/attachments?key=k HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    expect(heard).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\n/);
    expect(heard).toMatch(/\r\nAllow: GET, POST, DELETE\r\n/);
    expect(heard).toContain('"error":"method_not_allowed"');
  });
});
