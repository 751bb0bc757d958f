/** Update, get, remove and metadata (cases 31 to 42, 46 to 48, 60 to 66), and the fused calls. */
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

export function updateCases(story: Story): void {
  test("31 to 34: staged for the holder, published by release", async () => {
    const lease = await story.acquire();
    const address = addressOf(lease);
    const updated = await story.lockd.update(address, json(' { "a" : 1 } '));
    expect(updated).toMatchObject({ newVersion: 1, bytes: 7, metadata: {}, released: false });
    expect(updated.newStateEtag).toBe(sha256('{"a":1}'));
    const own = await story.lockd.get(address);
    expect(own).toMatchObject({
      exists: true,
      version: 1,
      etag: updated.newStateEtag,
      fencingToken: 1,
    });
    expect(await story.leasedText(address)).toBe('{"a":1}');
    expect((await story.lockd.get({ key: lease.key, public: true })).exists).toBe(false);
    await story.lockd.release(address);
    const published = await story.lockd.get({ key: lease.key, public: true });
    expect(published).toMatchObject({ exists: true, version: 1, etag: updated.newStateEtag });
    const again = await story.acquire({ key: lease.key });
    expect(again).toMatchObject({ version: 1, stateEtag: updated.newStateEtag, fencingToken: 2 });
  });

  test("35, 36: one version a transaction, whatever is staged in between", async () => {
    const key = freshKey();
    await story.commit(key, { n: 1 });
    const lease = addressOf(await story.acquire({ key }));
    expect((await story.lockd.update(lease, json({ n: 2 }))).newVersion).toBe(2);
    expect((await story.lockd.update(lease, json({ n: 3 }))).newVersion).toBe(2);
    expect(await story.publicText(key)).toBe('{"n":1}');
  });

  test("37: bytes are kept as they came", async () => {
    const text = '{"b":1.0,"a":12345678901234567890,"a":"\\u00e9"}';
    const lease = addressOf(await story.acquire());
    await story.lockd.update(lease, json(text));
    expect(await story.leasedText(lease)).toBe(text);
  });

  test("38: what is no JSON value is refused, any value is accepted", async () => {
    const lease = addressOf(await story.acquire());
    for (const bad of ["", "  ", "{", "{}{}", "01", "nul", '{"a":1,}', "\uFEFF{}"]) {
      const refused = story.lockd.update(lease, Buffer.from(bad));
      await expect(refused).rejects.toMatchObject({ code: "invalid_body" });
    }
    for (const [text, stored] of [
      ["null", "null"],
      ['"x"', '"x"'],
      ["[ ]", "[]"],
      ["7", "7"],
    ]) {
      await story.lockd.update(lease, Buffer.from(text ?? ""));
      expect(await story.leasedText(lease)).toBe(stored);
    }
  });

  test("40, 41: conditions", async () => {
    const key = freshKey();
    await story.commit(key, { n: 1 });
    const lease = addressOf(await story.acquire({ key }));
    const update = (change: object) => story.lockd.update({ ...lease, ...change }, json({ n: 2 }));
    await expect(update({ ifVersion: 0 })).rejects.toMatchObject({
      code: "version_conflict",
      currentVersion: 1,
    });
    await expect(update({ ifStateEtag: "other" })).rejects.toMatchObject({ code: "etag_mismatch" });
    await expect(update({ ifVersion: "one" })).rejects.toMatchObject({ code: "invalid_version" });
    const etag = sha256('{"n":1}');
    await expect(update({ ifVersion: 1, ifStateEtag: `"${etag}"` })).resolves.toMatchObject({
      newVersion: 2,
    });
    const untouched = addressOf(await story.acquire());
    await expect(
      story.lockd.update({ ...untouched, ifStateEtag: etag }, json({})),
    ).rejects.toMatchObject({ code: "etag_mismatch" });
  });

  test("42: announced length and checksum are of the body as sent", async () => {
    const lease = addressOf(await story.acquire());
    const raw = Buffer.from(' { "a" : 1 } ');
    const update = (change: object) => story.lockd.update({ ...lease, ...change }, raw);
    const right = { expectedBytes: raw.length, expectedSha256: sha256(raw).toUpperCase() };
    await expect(update(right)).resolves.toMatchObject({ bytes: 7 });
    await expect(update({ expectedBytes: 7 })).rejects.toMatchObject({
      code: "expected_bytes_mismatch",
    });
    await expect(update({ expectedSha256: sha256("x") })).rejects.toMatchObject({
      code: "expected_sha256_mismatch",
    });
    await expect(update({ expectedBytes: "abc" })).rejects.toMatchObject({
      code: "invalid_expected_bytes",
    });
    await expect(update({ expectedSha256: "0123456789" })).rejects.toMatchObject({
      code: "invalid_expected_sha256",
    });
  });

  test("44, 46: what is missing is named", async () => {
    const lease = addressOf(await story.acquire());
    const update = (change: object) => story.lockd.update({ ...lease, ...change }, json({}));
    await expect(update({ leaseId: undefined })).rejects.toMatchObject({ code: "missing_lease" });
    await expect(update({ txnId: undefined })).rejects.toMatchObject({ code: "missing_txn" });
    await expect(update({ key: " " })).rejects.toMatchObject({ code: "missing_key" });
    const get = (change: object) => story.lockd.get({ key: lease.key, ...change });
    await expect(get({})).rejects.toMatchObject({ code: "missing_fencing_token" });
    await expect(get({ fencingToken: 1 })).rejects.toMatchObject({ code: "missing_params" });
  });

  test("45: metadata in the same call", async () => {
    const lease = addressOf(await story.acquire());
    const updated = await story.lockd.update({ ...lease, queryHidden: "true" }, json({}));
    expect(updated.metadata).toEqual({ queryHidden: true });
    const bad = story.lockd.update({ ...lease, queryHidden: "maybe" }, json({}));
    await expect(bad).rejects.toMatchObject({ code: "invalid_metadata" });
  });

  test("47, 48: a lease id always wins, and unknown keys are empty", async () => {
    const lease = addressOf(await story.acquire());
    const stale = { ...lease, leaseId: "00000000000000000000", public: true };
    await expect(story.lockd.get(stale)).rejects.toMatchObject({ code: "lease_required" });
    expect((await story.lockd.get({ key: freshKey(), public: true })).exists).toBe(false);
  });

  test.for([8190, 8191, 8192, 8193, 70_000, 5_000_000])(
    "a state of %i bytes comes back as it went in",
    { timeout: 30_000 },
    async (size) => {
      const text = JSON.stringify({ pad: "x".repeat(size - 10) });
      const lease = addressOf(await story.acquire());
      async function* chunks(): AsyncGenerator<Uint8Array> {
        const bytes = Buffer.from(text);
        for (let at = 0; at < bytes.length; at += 65_537) yield bytes.subarray(at, at + 65_537);
      }
      const updated = await story.lockd.update(lease, size % 2 === 0 ? chunks() : json(text));
      expect(updated).toMatchObject({ bytes: size, newStateEtag: sha256(text) });
      await story.lockd.release(lease);
      const state = await story.lockd.get({ key: lease.key, public: true });
      expect(state.size).toBe(size);
      expect(sha256(await bytesOf(state.body))).toBe(updated.newStateEtag);
    },
  );

  test("a body that breaks off changes nothing", async () => {
    const lease = addressOf(await story.acquire());
    await story.lockd.update(lease, json({ n: 1 }));
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`{"pad":"${"x".repeat(100_000)}`);
      throw new Error("the source broke");
    }
    await expect(story.lockd.update(lease, broken())).rejects.toThrow();
    expect(await story.leasedText(lease)).toBe('{"n":1}');
  });
}

export function removalCases(story: Story): void {
  test("60: removed and released, the key and its counters remain", async () => {
    const key = freshKey();
    await story.commit(key, { n: 1 });
    const lease = addressOf(await story.acquire({ key }));
    await expect(story.lockd.remove(lease)).resolves.toMatchObject({
      removed: true,
      newVersion: 2,
    });
    await story.lockd.release(lease);
    expect(await story.publicText(key)).toBeUndefined();
    const found = await story.lockd.describe({ key });
    expect(found.version).toBe(2);
    expect(found.stateEtag).toBeUndefined();
    const again = story.acquire({ key, ifNotExists: true });
    await expect(again).rejects.toMatchObject({ code: "already_exists" });
  });

  test("61, 62: removing nothing is nothing; a later update cancels a removal", async () => {
    const lease = addressOf(await story.acquire());
    await expect(story.lockd.remove(lease)).resolves.toMatchObject({ removed: false });
    const key = freshKey();
    await story.commit(key, { n: 1 });
    const second = addressOf(await story.acquire({ key }));
    await story.lockd.remove(second);
    expect(await story.leasedText(second)).toBeUndefined();
    expect(await story.publicText(key)).toBe('{"n":1}');
    await story.lockd.update(second, json({ n: 2 }));
    await story.lockd.release(second);
    expect(await story.publicText(key)).toBe('{"n":2}');
  });

  test("63: a stale version refuses a removal", async () => {
    const key = freshKey();
    await story.commit(key, { n: 1 });
    const lease = addressOf(await story.acquire({ key }));
    await story.lockd.update(lease, json({ n: 2 }));
    const stale = story.lockd.remove({ ...lease, ifVersion: 1 });
    await expect(stale).rejects.toMatchObject({ code: "version_conflict", currentVersion: 2 });
  });

  test("64, 65: metadata is staged, committed and leaves the version", async () => {
    const key = freshKey();
    await story.commit(key, { n: 1 });
    const lease = addressOf(await story.acquire({ key }));
    const hidden = await story.lockd.updateMetadata({ ...lease, queryHidden: true });
    expect(hidden).toMatchObject({ version: 2, metadata: { queryHidden: true } });
    expect((await story.lockd.describe({ key })).metadata).toEqual({});
    await story.lockd.release(lease);
    const found = await story.lockd.describe({ key });
    expect(found).toMatchObject({ version: 1, metadata: { queryHidden: true } });
    expect(await story.publicText(key)).toBe('{"n":1}');
    const second = addressOf(await story.acquire({ key }));
    const shown = await story.lockd.updateMetadata({ ...second, queryHidden: false });
    expect(shown.metadata).toEqual({});
    const nothing = story.lockd.updateMetadata({ ...second });
    await expect(nothing).rejects.toMatchObject({ code: "invalid_metadata" });
  });

  test("66: while only metadata is staged the committed version is accepted", async () => {
    const key = freshKey();
    await story.commit(key, { n: 1 });
    const lease = addressOf(await story.acquire({ key }));
    await story.lockd.updateMetadata({ ...lease, queryHidden: true });
    const updated = await story.lockd.update({ ...lease, ifVersion: 1 }, json({ n: 2 }));
    expect(updated.newVersion).toBe(2);
  });
}

export function fusedCases(story: Story): void {
  test("acquire returns the state along with the lease", async () => {
    const key = freshKey();
    const empty = await story.acquire({ key, returnState: true });
    expect(empty.state?.exists).toBe(false);
    await story.lockd.update({ ...addressOf(empty), release: "commit" }, json({ n: 1 }));
    const lease = await story.acquire({ key, returnState: true });
    expect(lease.state).toMatchObject({ exists: true, version: 1, etag: sha256('{"n":1}') });
    const text = await bytesOf(lease.state?.body ?? Buffer.from(""));
    expect(text.toString()).toBe('{"n":1}');
  });

  test("update commits and releases in one call, and answers the same when repeated", async () => {
    const lease = addressOf(await story.acquire());
    const fused = { ...lease, release: "commit" as const };
    const first = await story.lockd.update(fused, json({ n: 1 }));
    expect(first).toMatchObject({ released: true, newVersion: 1 });
    expect(await story.publicText(lease.key)).toBe('{"n":1}');
    expect(await story.lockd.update(fused, json({ n: 1 }))).toEqual(first);
    const other = story.lockd.update(fused, json({ n: 2 }));
    await expect(other).rejects.toMatchObject({ code: "lease_required" });
    await story.commit(lease.key, { n: 3 });
    const late = story.lockd.update(fused, json({ n: 1 }));
    await expect(late).rejects.toMatchObject({ code: "lease_required" });
    expect(await story.publicText(lease.key)).toBe('{"n":3}');
  });

  test("a refused condition leaves the lease and its staging alone", async () => {
    const lease = addressOf(await story.acquire());
    const refused = story.lockd.update({ ...lease, ifVersion: 9, release: "commit" }, json({}));
    await expect(refused).rejects.toMatchObject({ code: "version_conflict" });
    await story.lockd.keepAlive(lease);
  });
}
