/** Attachments of sessions and public keys (client-sdk.md section 8). */
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  LeaseLostError,
  LockdConfigError,
  LockdTransportError,
  SessionClosedError,
} from "../../src/api/errors.ts";
import { createClient } from "../../src/client/client.ts";
import type { LockdClient } from "../../src/client/types.ts";
import { type RealServer, startRealServer } from "../support/real-server.ts";
import { cut, ok } from "../support/scripted-server.ts";
import { carrier, failureOf, lease, serve } from "./http-fixture.ts";
import {
  advancing,
  leaseRequired,
  lostAnswer,
  request,
  sessionFixture,
} from "./session-fixture.ts";

describe("a session's attachments", () => {
  let server: RealServer;
  let client: LockdClient;

  beforeEach(async () => {
    server = await startRealServer({});
    client = createClient({ endpoints: server.url, closeTimeoutMs: 500 });
  });

  afterEach(async () => {
    await client.close();
    await server.stop();
  });

  it("are attached from every kind of body, listed and read by whoever may", async () => {
    const session = await client.acquire(request);
    const bodies = {
      text: "a text",
      bytes: Buffer.from("bytes"),
      blob: new Blob(["a blob"]),
      node: Readable.from([Buffer.from("a node stream")]),
      web: new Blob(["a web stream"]).stream(),
      made: () => "made when it is needed",
    };
    for (const [name, body] of Object.entries(bodies)) {
      const put = await session.attachments.attach({ name, body, contentType: "text/plain" });
      expect(put).toMatchObject({ noop: false, version: 1, attachment: { name } });
    }
    expect(await client.publicAttachments("orders/1").list()).toEqual([]);
    await session.release();
    const reader = client.publicAttachments("orders/1");
    const names = (await reader.list()).map(({ name }) => name);
    expect(names).toEqual(Object.keys(bodies).sort());
    const found: string[] = [];
    for await (const body of reader.retrieveAll()) {
      expect(body.info.createdAt).toBeInstanceOf(Date);
      // Leaving one unread must not hold up the next.
      if (body.info.name !== "bytes") found.push(await body.text());
    }
    expect(found).toEqual([
      "a blob",
      "made when it is needed",
      "a node stream",
      "a text",
      "a web stream",
    ]);
  });

  it("case 50: by name and by id are the same; preventOverwrite keeps what is there", async () => {
    const session = await client.acquire(request);
    const content = randomBytes(300_000);
    const { attachment } = await session.attachments.attach({ name: "f", body: content });
    expect(attachment.sha256).toBe(createHash("sha256").update(content).digest("hex"));
    const byName = await session.attachments.retrieve({ name: "f" });
    const byId = await session.attachments.retrieve({ id: attachment.id });
    expect(byName.size).toBe(content.length);
    expect(Buffer.compare(await byName.bytes(), content)).toBe(0);
    expect(Buffer.compare(await byId.bytes(), content)).toBe(0);
    const kept = await session.attachments.attach({ name: "f", body: "x", preventOverwrite: true });
    expect(kept).toMatchObject({ noop: true, attachment: { id: attachment.id } });
    expect(await failureOf(session.attachments.retrieve({ name: "" }))).toMatchObject({
      code: "missing_attachment",
      name: "LockdConfigError",
    });
    await session.release();
  });

  it("case 51: release while one is read: the reader is told, nothing is left open", async () => {
    const session = await client.acquire(request);
    await session.attachments.attach({ name: "f", body: randomBytes(8_000_000) });
    const opened = await session.attachments.retrieve({ name: "f" });
    const unread = await session.attachments.retrieve({ name: "f" });
    const reading = async (): Promise<void> => {
      let first = true;
      for await (const _ of opened.stream()) {
        if (first) await session.release();
        first = false;
      }
    };
    expect(await failureOf(reading())).toBeInstanceOf(SessionClosedError);
    expect(await failureOf(unread.bytes())).toBeInstanceOf(SessionClosedError);
    expect(await failureOf(session.attachments.list())).toBeInstanceOf(SessionClosedError);
  });

  it("staged versions do not get in the way of the state's conditions", async () => {
    const session = await client.acquire(request);
    await session.save(1);
    await session.attachments.attach({ name: "f", body: "x" });
    await session.save(2);
    expect(await session.attachments.deleteAll()).toEqual({ deleted: 1, version: 1 });
    expect(await session.attachments.delete({ name: "f" })).toEqual({ deleted: false, version: 1 });
    await session.saveAndRelease(3);
    const again = await client.acquire(request);
    await again.attachments.attach({ name: "f", body: "x" });
    await again.save(4);
    await again.release();
    expect(await client.load("orders/1")).toBe(4);
  });
});

describe("staged attachments and a lease that is gone", () => {
  it("are lost when nobody committed them", async () => {
    const { client, clock } = sessionFixture();
    const session = await client.acquire({ ...request, ttlMs: 2_000 });
    await session.attachments.attach({ name: "f", body: "mine" });
    await clock.advance(3_000);
    const error = await failureOf(session.release());
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(error).toMatchObject({ staged: true });
  });

  it("are not taken for committed because somebody else came to the same version", async () => {
    const { client, clock } = sessionFixture();
    const session = await client.acquire({ ...request, ttlMs: 2_000 });
    await session.attachments.attach({ name: "f", body: "mine" });
    await clock.advance(3_000);
    const other = await client.acquire({ ...request, owner: "w2" });
    await other.attachments.attach({ name: "f", body: "theirs" });
    await other.release();
    expect(await failureOf(session.release())).toMatchObject({ staged: true });
  });

  it("are committed when the release took effect and only its answer was lost", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire(request);
    await session.attachments.attach({ name: "f", body: "mine" });
    lockd.lose("release", lostAnswer()).fail("release", leaseRequired);
    await advancing(clock, session.release(), 10);
    const body = await client.publicAttachments("orders/1").retrieve({ name: "f" });
    expect(await body.text()).toBe("mine");
  });

  it("of a lease obtained elsewhere are judged by themselves", async () => {
    const { client, lockd, clock } = sessionFixture();
    const first = await client.acquire(request);
    await first.saveAndRelease("a state");
    const { key, leaseId, txnId, fencingToken } = await client.acquire(request);
    const view = client.attachSession({ key, leaseId, txnId, fencingToken });
    await view.attachments.attach({ name: "f", body: "mine" });
    lockd.lose("release", lostAnswer()).fail("release", leaseRequired);
    await advancing(clock, view.release(), 10);
    const body = await client.publicAttachments("orders/1").retrieve({ name: "f" });
    expect(await body.text()).toBe("mine");
  });

  it("of a lease obtained elsewhere are lost when another holder committed", async () => {
    const { client, lockd, clock } = sessionFixture();
    const leased = await client.acquire({ ...request, ttlMs: 2_000 });
    const { key, leaseId, txnId, fencingToken } = leased;
    const view = client.attachSession({ key, leaseId, txnId, fencingToken });
    await view.attachments.attach({ name: "f", body: "mine" });
    await clock.advance(3_000);
    const other = await client.acquire({ ...request, owner: "w2" });
    await other.attachments.attach({ name: "f", body: "theirs" });
    await other.release();
    lockd.fail("release", lostAnswer()).fail("release", leaseRequired);
    const released = failureOf(advancing(clock, view.release(), 10));
    expect(await released).toMatchObject({ name: "LeaseLostError", staged: true });
    const body = await client.publicAttachments("orders/1").retrieve({ name: "f" });
    expect(await body.text()).toBe("theirs");
  });
});

const attached = {
  attachment: { id: "i", name: "f", size: 4, plaintext_sha256: "s" },
  version: 1,
};

describe("over HTTP", () => {
  it("a body that can be read again goes to the next endpoint, another one does not", async () => {
    const broken = await serve([cut, cut]);
    const good = await serve([ok(attached, { "X-Fencing-Token": "7" })]);
    const lockd = carrier([broken.url, good.url]);
    const again = await lockd.attachments.attach({ ...lease, name: "f" }, Buffer.from("four"));
    expect(again).toMatchObject({ attachment: { name: "f", sha256: "s" }, fencingToken: 7 });
    expect(good.requests[0]?.body.toString()).toBe("four");
    async function* once(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("four");
    }
    const error = await failureOf(lockd.attachments.attach({ ...lease, name: "f" }, once()));
    expect(error).toMatchObject({ code: "transport", outcomeUnknown: true });
    expect(good.requests).toHaveLength(1);
  });

  it("says what it wants in the query and proves the lease in headers", async () => {
    const server = await serve(() => ok(attached));
    const lockd = carrier(server.url);
    const options = { name: "ä b", contentType: "a/b", maxBytes: 0, preventOverwrite: true };
    await lockd.attachments.attach({ ...lease, ...options }, Buffer.from("four"));
    const [sent] = server.requests;
    expect(Object.fromEntries(sent?.query ?? [])).toEqual({
      key: "orders/1",
      name: "ä b",
      content_type: "a/b",
      max_bytes: "0",
      prevent_overwrite: "1",
    });
    expect(sent?.headers).toMatchObject({
      "x-lease-id": lease.leaseId,
      "x-txn-id": lease.txnId,
      "x-fencing-token": "7",
      "content-length": "4",
    });
  });

  it.each(["undici", "node"] as const)("a name is UTF-8 in its header (%s)", async (library) => {
    const name = "ä 日";
    const headers = { "X-Attachment-Name": Buffer.from(name).toString("latin1") };
    const server = await serve([{ kind: "answer", body: "four", headers }]);
    const lockd = carrier(server.url, { httpLibrary: library });
    const { attachment } = await lockd.attachments.retrieve({ key: "k", public: true, id: "i" });
    expect(attachment).toMatchObject({ id: "i", name, size: 4 });
  });

  it("a short or altered download is an error, not an end", async () => {
    const server = await serve([
      { kind: "answer", body: "four", headers: { "X-Attachment-Size": "5" } },
      { kind: "answer", body: "four", headers: { "X-Attachment-SHA256": "0".repeat(64) } },
      { kind: "answer", body: Buffer.alloc(1_000_000), cutAfterBytes: 400_000 },
    ]);
    const client = createClient({ endpoints: server.url });
    const reader = client.publicAttachments("k");
    for (let turn = 0; turn < 3; turn += 1) {
      const read = async () => (await reader.retrieve({ name: "f" })).bytes();
      const error = await failureOf(read());
      expect(error).toBeInstanceOf(LockdTransportError);
      expect(error).toMatchObject({ code: "truncated" });
    }
    await client.close();
    expect(await failureOf(reader.list())).toBeInstanceOf(LockdConfigError);
  });
});
