/** Overview and events on the wire. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import { type RealServer, startRealServer } from "../support/real-server.ts";

let server: RealServer;
let lockd: HttpLockd;
beforeAll(async () => {
  server = await startRealServer({});
  lockd = new HttpLockd({ endpoints: server.url });
});
afterAll(async () => {
  await lockd.close();
  await server.stop();
});

/** The raw blocks of an event stream as they come, comments left out. */
async function* blocks(url: string, init: RequestInit = {}): AsyncGenerator<string> {
  const response = await fetch(url, init);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect(response.headers.get("cache-control")).toBe("no-cache");
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const parts = (rest + Buffer.from(chunk).toString()).split("\n\n");
    rest = parts.pop() ?? "";
    yield* parts.filter((part) => !part.startsWith(":"));
  }
}

async function next(stream: AsyncGenerator<string>): Promise<string> {
  return (await stream.next()).value ?? "END";
}

test("the overview has the contract's members", async () => {
  const lease = await lockd.acquire({ namespace: "shape", key: "k", owner: "me", ttlSeconds: 60 });
  const response = await fetch(`${server.url}/v1/x/overview?namespaces=shape,other&limit=5`);
  const body = (await response.json()) as Record<string, unknown>;
  expect(response.status).toBe(200);
  expect(body).toMatchObject({
    mode: "server",
    store: "mem://",
    draining: false,
    complete: true,
    counts: { keys_held: 1, keys_matching: 1, staged: 0, waiters: 0 },
    queues: [],
    txns: [],
    tc: { mode: "local" },
    qrf_state: "disengaged",
    trouble: [],
  });
  expect(body.leases).toEqual([
    {
      namespace: "shape",
      key: "k",
      owner: "me",
      lease_id: lease.leaseId,
      txn_id: lease.txnId,
      fencing_token: 1,
      acquired_at_unix: expect.any(Number),
      expires_at_unix: lease.expiresAtUnix,
      ttl_ms: 60_000,
      remaining_ms: expect.any(Number),
      waiters: 0,
      version: 0,
      staged: false,
    },
  ]);
});

test.each(["limit=201", "limit=x", "order=size", "after=x"])(
  "overview?%s is a 400",
  async (query) => {
    const response = await fetch(`${server.url}/v1/x/overview?${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: "invalid_observation" });
  },
);

test("events have ids, and Last-Event-ID goes on behind one", async () => {
  const abort = new AbortController();
  const url = `${server.url}/v1/x/events?namespace=sse`;
  const first = blocks(url, { signal: abort.signal });
  expect(await next(first)).toMatch(/^id: \w+\.\d+\nevent: ready\ndata: \{"kind":"ready"/);
  const lease = await lockd.acquire({ namespace: "sse", key: "k", owner: "me", ttlSeconds: 60 });
  const granted = await next(first);
  expect(granted).toMatch(/^id: \w+\.\d+\nevent: lease_granted\ndata: \{/);
  expect(JSON.parse(granted.split("data: ")[1] ?? "")).toMatchObject({
    kind: "lease_granted",
    namespace: "sse",
    key: "k",
    owner: "me",
    fencing_token: 1,
  });
  abort.abort();
  await lockd.release(lease);
  const id = /^id: (\S+)/.exec(granted)?.[1] ?? "";
  const again = new AbortController();
  const second = blocks(url, { headers: { "Last-Event-ID": id }, signal: again.signal });
  expect(await next(second)).toContain("event: ready");
  expect(await next(second)).toContain("event: lease_released");
  again.abort();
});

test("a bad watch is refused before anything is streamed", async () => {
  const response = await fetch(`${server.url}/v1/x/events?key=a&queue=b`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: "invalid_observation" });
});

test("a draining server ends its streams, and opens none", async () => {
  const own = await startRealServer({});
  const client = new HttpLockd({ endpoints: own.url, failureRetries: 0 });
  const stream = blocks(`${own.url}/v1/x/events`);
  expect(await next(stream)).toContain("event: ready");
  const stopping = own.stop();
  expect(await next(stream)).toBe("END");
  await stopping;
  await client.close();
});
