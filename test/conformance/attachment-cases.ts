/** Attachments (cases 69 to 74 of http-core.md section 14, and the rules of 8.10 and 10.10). */
import { randomBytes } from "node:crypto";
import type { AttachmentSelector, AttachRequest } from "../../src/api/attachments.ts";
import type { BodyIn, LeaseAddress } from "../../src/api/lockd.ts";
import {
  addressOf,
  bytesOf,
  expect,
  freshKey,
  json,
  type Story,
  sha256,
  test,
} from "./lockd-suite.ts";

type Held = LeaseAddress & { key: string };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

class Files {
  readonly #story: Story;

  constructor(story: Story) {
    this.#story = story;
  }

  get lockd() {
    return this.#story.lockd;
  }

  async held(key = freshKey("files")): Promise<Held> {
    return addressOf(await this.#story.acquire({ key }));
  }

  put(lease: Held, name: string, body: BodyIn | string = name, more: AttachRequest = {}) {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    return this.lockd.attachments.attach({ ...lease, name, ...more }, bytes);
  }

  /** A key with these attachments committed, each holding its own name. */
  async committed(...names: readonly string[]): Promise<string> {
    const lease = await this.held();
    for (const name of names) await this.put(lease, name);
    await this.lockd.release(lease);
    return lease.key;
  }

  async names(address: LeaseAddress & { public?: boolean }): Promise<string[]> {
    const { attachments } = await this.lockd.attachments.list(address);
    return attachments.map(({ name }) => name);
  }

  publicNames(key: string): Promise<string[]> {
    return this.names({ key, public: true });
  }

  async text(address: LeaseAddress & { public?: boolean }, selector: AttachmentSelector) {
    const { body } = await this.lockd.attachments.retrieve({ ...address, ...selector });
    return (await bytesOf(body)).toString();
  }

  publicText(key: string, name: string): Promise<string> {
    return this.text({ key, public: true }, { name });
  }

  remove(lease: Held, name: string) {
    return this.lockd.attachments.delete({ ...lease, name });
  }
}

export function uploadCases(story: Story): void {
  const files = new Files(story);

  test("69: published by release, with length, checksum and times", async () => {
    const lease = await files.held();
    const put = await files.put(lease, "p.bin", "thirteen byte");
    expect(put).toMatchObject({ noop: false, version: 1, fencingToken: 1 });
    expect(put.attachment.id).toMatch(uuid);
    await story.lockd.release(lease);
    const { attachment, body } = await story.lockd.attachments.retrieve({
      key: lease.key,
      public: true,
      name: "p.bin",
    });
    expect((await bytesOf(body)).toString()).toBe("thirteen byte");
    expect(attachment).toMatchObject({
      ...put.attachment,
      size: 13,
      sha256: sha256("thirteen byte"),
      contentType: "application/octet-stream",
    });
    expect(attachment.createdAtUnix).toBeGreaterThan(1_600_000_000);
    const described = await story.lockd.describe({ key: lease.key });
    expect(described).toMatchObject({ version: 1, stateEtag: undefined });
  });

  test("70: uncommitted, it is the holder's alone, and the key has no state", async () => {
    const lease = await files.held();
    await files.put(lease, "draft");
    expect(await files.names(lease)).toEqual(["draft"]);
    expect(await files.publicNames(lease.key)).toEqual([]);
    expect(await story.leasedText(lease)).toBeUndefined();
    const hidden = files.publicText(lease.key, "draft");
    await expect(hidden).rejects.toMatchObject({ code: "attachment_not_found", status: 404 });
    expect(await files.text(lease, { name: "draft" })).toBe("draft");
  });

  test("71: overwritten by name it keeps its identity; or is not overwritten", async () => {
    const lease = await files.held();
    const first = await files.put(lease, "f", "one", { contentType: "text/plain" });
    const second = await files.put(lease, "f", "two!");
    expect(second.attachment).toMatchObject({ id: first.attachment.id, size: 4 });
    expect(second.attachment.createdAtUnix).toBe(first.attachment.createdAtUnix);
    await story.lockd.release(lease);
    const again = await files.held(lease.key);
    const kept = await files.put(again, "f", "three", { preventOverwrite: true });
    expect(kept).toMatchObject({ noop: true, version: 1, attachment: second.attachment });
    const fresh = await files.put(again, "g", "new", { preventOverwrite: true });
    expect(fresh).toMatchObject({ noop: false, version: 2 });
    const third = await files.put(again, "f", "three");
    expect(third.attachment).toMatchObject({ id: first.attachment.id });
    expect(await files.publicText(lease.key, "f")).toBe("two!");
    await story.lockd.release(again);
    expect(await files.publicText(lease.key, "f")).toBe("three");
  });

  test("71: a name is taken also while its deletion is staged", async () => {
    const key = await files.committed("f");
    const lease = await files.held(key);
    await files.remove(lease, "f");
    const kept = await files.put(lease, "f", "other", { preventOverwrite: true });
    expect(kept).toMatchObject({ noop: true, version: 2 });
    await story.lockd.release(lease);
    expect(await files.publicNames(key)).toEqual([]);
  });

  test("72: one byte too many is refused and leaves what was there", async () => {
    const lease = await files.held();
    await files.put(lease, "f", "four", { maxBytes: 4 });
    const refused = files.put(lease, "f", "fives", { maxBytes: "4" });
    await expect(refused).rejects.toMatchObject({ code: "attachment_too_large", status: 413 });
    expect(await files.text(lease, { name: "f" })).toBe("four");
    const bad = files.put(lease, "f", "x", { maxBytes: -1 });
    await expect(bad).rejects.toMatchObject({ code: "invalid_max_bytes" });
    const worse = files.put(lease, "f", "x", { maxBytes: "much" });
    await expect(worse).rejects.toMatchObject({ code: "invalid_max_bytes" });
    await expect(files.put(lease, "g", "x".repeat(5), { maxBytes: 0 })).resolves.toBeDefined();
  });

  test.for([0, 1, 65_536, 65_537, 3_000_000])("%i bytes come back", async (size) => {
    const bytes = randomBytes(size);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < size; at += 50_001) yield bytes.subarray(at, at + 50_001);
    }
    const lease = await files.held();
    const put = await files.put(lease, "f", size % 2 === 0 ? chunks() : bytes);
    expect(put.attachment).toMatchObject({ size, sha256: sha256(bytes) });
    await story.lockd.release(lease);
    const read = await story.lockd.attachments.retrieve({
      key: lease.key,
      public: true,
      name: "f",
    });
    expect(read.attachment.size).toBe(size);
    expect(sha256(await bytesOf(read.body))).toBe(sha256(bytes));
  });

  test("an upload that breaks off leaves nothing", async () => {
    const lease = await files.held();
    await files.put(lease, "f", "before");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield randomBytes(100_000);
      throw new Error("the source broke");
    }
    await expect(files.put(lease, "f", broken())).rejects.toThrow("the source broke");
    await expect(files.put(lease, "g", broken())).rejects.toThrow("the source broke");
    expect(await files.names(lease)).toEqual(["f"]);
    expect(await files.text(lease, { name: "f" })).toBe("before");
  });

  test("a keepalive during the upload does not fail it; the end of the lease does", async () => {
    const lease = await files.held();
    async function* during(work: () => Promise<unknown>): AsyncGenerator<Uint8Array> {
      yield randomBytes(70_000);
      await work();
      yield randomBytes(70_000);
    }
    const kept = during(() => story.lockd.keepAlive({ ...lease, ttlSeconds: 60 }));
    await expect(files.put(lease, "f", kept)).resolves.toMatchObject({ noop: false });
    const ended = during(() => story.lockd.release(lease));
    const refused = files.put(lease, "g", ended);
    await expect(refused).rejects.toMatchObject({ code: "lease_required" });
    expect(await files.publicNames(lease.key)).toEqual(["f"]);
  });

  test("names are any text and stay what they are", async () => {
    const names = [
      "a b",
      "ä/ö",
      "日本語.txt",
      "\u{1F600}",
      "\uFFFD",
      'q"uote',
      "new\nline",
      "%2F+&=",
    ];
    const lease = await files.held();
    for (const name of names) await files.put(lease, ` ${name} `, name);
    for (const name of names) {
      const read = await story.lockd.attachments.retrieve({ ...lease, name });
      expect(read.attachment.name).toBe(name);
      expect((await bytesOf(read.body)).toString()).toBe(name);
    }
    const order = (one: string, other: string) =>
      Buffer.compare(Buffer.from(one), Buffer.from(other));
    expect(await files.names(lease)).toEqual([...names].sort(order));
  });

  test("what cannot be kept is refused before its bytes are read", async () => {
    const lease = await files.held();
    const long = files.put(lease, "ü".repeat(513), "x");
    await expect(long).rejects.toMatchObject({ code: "invalid_attachment" });
    const type = files.put(lease, "f", "x", { contentType: `text/${"x".repeat(300)}` });
    await expect(type).rejects.toMatchObject({ code: "invalid_attachment" });
    await expect(files.put(lease, "ü".repeat(512), "x")).resolves.toBeDefined();
  });
}

export function attachmentCases(story: Story): void {
  const files = new Files(story);

  test("73: deleting what is not there; deleting all", async () => {
    const lease = await files.held();
    await expect(files.remove(lease, "f")).resolves.toMatchObject({ deleted: false, version: 0 });
    await files.put(lease, "a");
    await files.put(lease, "b");
    await story.lockd.release(lease);
    const again = await files.held(lease.key);
    const all = await story.lockd.attachments.deleteAll(again);
    expect(all).toMatchObject({ deleted: 2, version: 2 });
    expect(await files.names(again)).toEqual([]);
    expect(await files.publicNames(lease.key)).toEqual(["a", "b"]);
    await story.lockd.release(again);
    expect(await files.publicNames(lease.key)).toEqual([]);
    const third = await files.held(lease.key);
    await expect(story.lockd.attachments.deleteAll(third)).resolves.toMatchObject({ deleted: 0 });
    await story.lockd.release(third);
    expect((await story.lockd.describe({ key: lease.key })).version).toBe(3);
  });

  test("73: a staged upload and what was committed under its name go together", async () => {
    const key = await files.committed("f", "g");
    const lease = await files.held(key);
    await files.put(lease, "f", "newer");
    await expect(files.remove(lease, "f")).resolves.toMatchObject({ deleted: true, version: 2 });
    await expect(files.remove(lease, "f")).resolves.toMatchObject({ deleted: false, version: 2 });
    expect(await files.names(lease)).toEqual(["g"]);
    await files.put(lease, "f", "back");
    await story.lockd.release(lease);
    expect(await files.publicText(key, "f")).toBe("back");
  });

  test("what is uploaded after deleting all remains, under the old identity", async () => {
    const key = await files.committed("f", "g");
    const before = await story.lockd.attachments.list({ key, public: true });
    const lease = await files.held(key);
    await story.lockd.attachments.deleteAll(lease);
    const put = await files.put(lease, "g", "after");
    expect(put.attachment.id).toBe(before.attachments[1]?.id);
    await story.lockd.release(lease);
    expect(await files.publicNames(key)).toEqual(["g"]);
    expect(await files.publicText(key, "g")).toBe("after");
  });

  test("74: rollback takes everything back", async () => {
    const key = await files.committed("f");
    const lease = await files.held(key);
    await files.put(lease, "f", "other");
    await files.put(lease, "g");
    await story.lockd.release({ ...lease, rollback: true });
    expect(await files.publicNames(key)).toEqual(["f"]);
    expect(await files.publicText(key, "f")).toBe("f");
    const gone = files.publicText(key, "g");
    await expect(gone).rejects.toMatchObject({ code: "attachment_not_found" });
    expect((await story.lockd.describe({ key })).version).toBe(1);
  });

  test("by id, by name, or by both when they agree", async () => {
    const key = await files.committed("f", "g");
    const { attachments } = await story.lockd.attachments.list({ key, public: true });
    const [f, g] = attachments.map(({ id }) => id);
    const read = (selector: AttachmentSelector) => files.text({ key, public: true }, selector);
    expect(await read({ id: g })).toBe("g");
    expect(await read({ id: f, name: "f" })).toBe("f");
    await expect(read({ id: f, name: "g" })).rejects.toMatchObject({
      code: "attachment_not_found",
    });
    await expect(read({})).rejects.toMatchObject({ code: "missing_attachment" });
    const lease = await files.held(key);
    const both = await story.lockd.attachments.delete({ ...lease, id: f, name: "g" });
    expect(both.deleted).toBe(false);
    expect((await story.lockd.attachments.delete({ ...lease, id: f })).deleted).toBe(true);
  });

  test("removal takes the attachments along, staged ones too", async () => {
    const lease = await files.held();
    await story.lockd.update(lease, json({ n: 1 }));
    await files.put(lease, "f");
    await story.lockd.release(lease);
    const again = await files.held(lease.key);
    await files.put(again, "before");
    await story.lockd.remove(again);
    expect(await files.names(again)).toEqual([]);
    await expect(files.put(again, "after")).resolves.toMatchObject({ version: 3 });
    expect(await files.names(again)).toEqual([]);
    const all = await story.lockd.attachments.deleteAll(again);
    expect(all).toMatchObject({ deleted: 0, version: 3 });
    await expect(files.remove(again, "f")).resolves.toMatchObject({ deleted: false, version: 3 });
    await story.lockd.release(again);
    expect(await files.publicNames(lease.key)).toEqual([]);
    expect(await story.publicText(lease.key)).toBeUndefined();
  });

  test("an update cancels a removal, and the attachments survive", async () => {
    const lease = await files.held();
    await story.lockd.update(lease, json({ n: 1 }));
    await files.put(lease, "f");
    await story.lockd.release(lease);
    const again = await files.held(lease.key);
    await files.put(again, "g");
    await story.lockd.remove(again);
    await story.lockd.update(again, json({ n: 2 }));
    expect(await files.names(again)).toEqual(["f", "g"]);
    await story.lockd.release(again);
    expect(await files.publicNames(lease.key)).toEqual(["f", "g"]);
  });

  test("66: while only attachments are staged the committed version is accepted", async () => {
    const key = freshKey();
    await story.commit(key, { n: 1 });
    const lease = await files.held(key);
    await files.put(lease, "f");
    expect(await story.leasedText(lease)).toBe('{"n":1}');
    const updated = await story.lockd.update({ ...lease, ifVersion: 1 }, json({ n: 2 }));
    expect(updated.newVersion).toBe(2);
  });

  test("a fused update commits them in the same write, also when it is repeated", async () => {
    const lease = await files.held();
    await files.put(lease, "f");
    const fused = { ...lease, release: "commit" as const };
    const first = await story.lockd.update(fused, json({ n: 1 }));
    expect(first).toMatchObject({ released: true, newVersion: 1 });
    expect(await files.publicText(lease.key, "f")).toBe("f");
    expect(await story.lockd.update(fused, json({ n: 1 }))).toEqual(first);
    expect(await files.publicNames(lease.key)).toEqual(["f"]);
  });

  test("what is missing or wrong is named", async () => {
    const lease = await files.held();
    await files.put(lease, "f");
    const code = (change: object, expected: string) =>
      expect(files.put({ ...lease, ...change }, "f")).rejects.toMatchObject({ code: expected });
    await code({ key: " " }, "missing_key");
    await code({ leaseId: undefined }, "missing_lease");
    await code({ txnId: undefined }, "missing_txn");
    await code({ fencingToken: undefined }, "missing_fencing_token");
    await code({ fencingToken: 7 }, "fencing_mismatch");
    await code({ txnId: "0000000000000000000g" }, "txn_mismatch");
    await code({ leaseId: "0000000000000000000g" }, "lease_required");
    const unnamed = story.lockd.attachments.attach({ ...lease, name: " " }, Buffer.from("x"));
    await expect(unnamed).rejects.toMatchObject({ code: "missing_attachment" });
    const list = (change: object) => story.lockd.attachments.list({ ...lease, ...change });
    await expect(list({ txnId: undefined })).rejects.toMatchObject({ code: "missing_txn" });
    await expect(list({ leaseId: undefined })).rejects.toMatchObject({ code: "missing_lease" });
    await expect(list({ key: undefined })).rejects.toMatchObject({ code: "missing_key" });
    const stale = list({ leaseId: "0000000000000000000g", public: true });
    await expect(stale).rejects.toMatchObject({ code: "lease_required" });
    const neither = story.lockd.attachments.list({ key: lease.key });
    await expect(neither).rejects.toMatchObject({ code: "missing_fencing_token" });
    expect(await files.publicNames(freshKey())).toEqual([]);
    const listed = await story.lockd.attachments.list({ ...lease, key: ` ${lease.key} ` });
    expect(listed).toMatchObject({ namespace: "default", key: lease.key });
  });
}
