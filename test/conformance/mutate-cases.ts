/** Mutate (query-and-lql.md cases 31 to 45, tables 7.2 and 7.4; http-core.md section 10.7). */
import { randomBytes } from "node:crypto";
import type { LeaseAddress, MutateRequest } from "../../src/api/lockd.ts";
import {
  addressOf,
  expect,
  freshKey,
  json,
  longAgo,
  type Story,
  sha256,
  test,
} from "./lockd-suite.ts";

/** A lease whose holder sees `document`; none for undefined. */
async function holding(story: Story, document?: string): Promise<LeaseAddress & { key: string }> {
  const lease = addressOf(await story.acquire());
  if (document !== undefined) await story.lockd.update(lease, json(document));
  return lease;
}

async function after(story: Story, document: string, mutations: string[]) {
  const lease = await holding(story, document);
  await story.lockd.mutate({ ...lease, mutations });
  return await story.leasedText(lease);
}

export function mutateCases(story: Story): void {
  test("31: staged for the holder, published by release", async () => {
    const lease = await holding(story);
    const result = await story.lockd.mutate({ ...lease, mutations: ["/a/b=1"] });
    const text = '{"a":{"b":1}}';
    expect(result).toEqual({
      newVersion: 1,
      newStateEtag: sha256(text),
      bytes: text.length,
      metadata: {},
      fencingToken: 1,
      released: false,
      counters: {
        candidatesSeen: 1,
        candidatesWritten: 1,
        bytesRead: 2,
        bytesWritten: text.length,
        bytesCaptured: 0,
        spillCount: 0,
        spillBytes: 0,
      },
    });
    expect(await story.leasedText(lease)).toBe(text);
    expect(await story.publicText(lease.key)).toBeUndefined();
    await story.lockd.release(lease);
    expect(await story.publicText(lease.key)).toBe(text);
  });

  test.each([
    ['{"c":1}', ["/c++", "/c=+2"], '{"c":4}'],
    ['{"t":[1,2]}', ["rm:/t/0"], '{"t":[null,2]}'],
    ['{"a":1}', ["rm:/nope"], '{"a":1}'],
    ["{}", ['/note="C++"'], '{"note":"C++"}'],
    ['{"w":5}', ['/v="42"', "/w=-2", '/x="-2"'], '{"w":3,"v":42,"x":-2}'],
    ['{"a":1}', ["/s{/n=1,rm:/m}"], '{"a":1,"s":{"n":1}}'],
    ['{"big":9007199254740993,"n":1.10}', ["/big=+1"], '{"big":9007199254740994,"n":1.10}'],
    ['{"c":0.1}', ["/c=+0.2"], '{"c":0.30000000000000004}'],
    ['{"t":[{"x":1},{"y":2}]}', ["/t[]/x=9"], '{"t":[{"x":9},{"y":2}]}'],
    ['{"t":[1]}', ["/t/k=5"], '{"t":{"k":5}}'],
    ["{}", ["time:/t=2025-01-02T03:04:05+02:00"], '{"t":"2025-01-02T01:04:05Z"}'],
  ])("32, 34 to 36, 40, 41: %s %j", async (document, mutations, changed) => {
    expect(await after(story, document, mutations)).toBe(changed);
  });

  test.each([
    ["32: a step on no number", ['/b="set"', "/c++"], "invalid_body"],
    ["33: no operator", ["/a=1", "/b"], "invalid_mutations"],
    ["39: files", ["file:/p=/etc/hostname"], "invalid_mutations"],
    ["40: a prefix before a block", ["rm:/s{/a}"], "invalid_mutations"],
    ["42: nothing", [], "invalid_body"],
    ["42: only blanks", [" "], "invalid_body"],
  ])("%s is refused and changes nothing", async (_name, mutations, code) => {
    const lease = await holding(story, '{"c":"x"}');
    await expect(story.lockd.mutate({ ...lease, mutations })).rejects.toMatchObject({ code });
    expect(await story.leasedText(lease)).toBe('{"c":"x"}');
    const fresh = await holding(story);
    await expect(story.lockd.mutate({ ...fresh, mutations: ["/a"] })).rejects.toMatchObject({
      status: 400,
    });
    expect((await story.lockd.status({ key: fresh.key })).staged).toBe(false);
  });

  test.each(["[1,2]", "5", '"x"', "null"])("a state %s is no object", async (document) => {
    const lease = await holding(story, document);
    const refused = story.lockd.mutate({ ...lease, mutations: ["/a=1"] });
    await expect(refused).rejects.toMatchObject({ code: "invalid_body" });
    expect(await story.leasedText(lease)).toBe(document);
  });

  test("37: NOW is the time of the request, one for all", async () => {
    const lease = await holding(story);
    await story.lockd.mutate({ ...lease, mutations: ["time:/t=NOW", "time:/u=now"] });
    const { t, u } = JSON.parse((await story.leasedText(lease)) ?? "");
    expect(t).toBe(u);
    expect(t).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/);
    expect(Math.abs(Date.parse(t) - Date.now())).toBeLessThan(60_000);
  });

  test("38: what changes nothing is a new version all the same", async () => {
    const key = freshKey();
    await story.commit(key, { a: 1 });
    const lease = addressOf(await story.acquire({ key }));
    const { newVersion } = await story.lockd.mutate({ ...lease, mutations: ["/.../x=1"] });
    expect(newVersion).toBe(2);
    await story.lockd.release(lease);
    expect(await story.lockd.get({ key, public: true })).toMatchObject({ version: 2 });
    expect(await story.publicText(key)).toBe('{"a":1}');
  });

  test("43: the lease is needed", async () => {
    const lease = await holding(story);
    const mutate = (change: Partial<MutateRequest>) =>
      story.lockd.mutate({ ...lease, mutations: ["/a=1"], ...change });
    const refused = async (change: Partial<MutateRequest>, code: string) => {
      await expect(mutate(change)).rejects.toMatchObject({ code });
    };
    await refused({ txnId: undefined }, "missing_txn");
    await refused({ fencingToken: 99 }, "fencing_mismatch");
    await refused({ leaseId: longAgo }, "lease_required");
    await refused({ txnId: longAgo }, "txn_mismatch");
    await refused({ key: undefined, mutations: [] }, "missing_key");
    await refused({ leaseId: undefined, mutations: [] }, "invalid_body");
    await refused({ leaseId: undefined, mutations: ["bad"] }, "missing_lease");
    await refused({ fencingToken: "x", mutations: ["bad"] }, "invalid_fencing_token");
    await refused({ ifVersion: "x", mutations: ["bad"] }, "invalid_version");
    await refused({ queryHidden: "x", mutations: ["bad"] }, "invalid_metadata");
    await refused({ key: "a//b", mutations: ["bad"] }, "invalid_mutations");
    await refused({ fencingToken: 99, mutations: ["/a/b++", "/a++"] }, "fencing_mismatch");
  });

  test("44: conditions, after the evaluation", async () => {
    const key = freshKey();
    await story.commit(key, { n: "x" });
    const lease = addressOf(await story.acquire({ key }));
    const mutate = (change: object) =>
      story.lockd.mutate({ ...lease, mutations: ["/m=1"], ...change });
    await expect(mutate({ ifStateEtag: "stale" })).rejects.toMatchObject({
      code: "etag_mismatch",
      currentEtag: sha256('{"n":"x"}'),
    });
    await expect(mutate({ ifVersion: 7, ifStateEtag: "stale" })).rejects.toMatchObject({
      code: "version_conflict",
      currentVersion: 1,
    });
    await expect(mutate({ ifVersion: 7, mutations: ["/n++"] })).rejects.toMatchObject({
      code: "invalid_body",
    });
    expect(await story.leasedText(lease)).toBe('{"n":"x"}');
    await mutate({ ifVersion: 1, ifStateEtag: sha256('{"n":"x"}') });
    expect(await story.leasedText(lease)).toBe('{"n":"x","m":1}');
  });

  test("45: the second sees the first, one commit publishes both", async () => {
    const lease = await holding(story);
    await story.lockd.mutate({ ...lease, mutations: ["/n=1"] });
    const { newVersion } = await story.lockd.mutate({ ...lease, mutations: ["/n++"] });
    expect(newVersion).toBe(1);
    await story.lockd.release(lease);
    expect(await story.publicText(lease.key)).toBe('{"n":2}');
  });
}

export function mutateRaceCases(story: Story): void {
  test("after a staged removal it begins with an empty object", async () => {
    const key = freshKey();
    await story.commit(key, { old: 1 });
    const lease = addressOf(await story.acquire({ key }));
    await story.lockd.remove(lease);
    await story.lockd.mutate({ ...lease, mutations: ["/a=1"] });
    await story.lockd.release(lease);
    expect(await story.publicText(key)).toBe('{"a":1}');
  });

  test("metadata goes with it, and a fused commit", async () => {
    const lease = await holding(story);
    const request = { ...lease, mutations: ["/a=1"], queryHidden: true };
    const result = await story.lockd.mutate({ ...request, release: "commit" });
    expect(result).toMatchObject({ released: true, metadata: { queryHidden: true } });
    expect(await story.publicText(lease.key)).toBe('{"a":1}');
    expect((await story.lockd.describe({ key: lease.key })).metadata).toEqual({
      queryHidden: true,
    });
    expect((await story.lockd.status({ key: lease.key })).held).toBe(false);
    await expect(story.lockd.mutate(request)).rejects.toMatchObject({ code: "lease_required" });
  });

  test("many at once under one lease: every step counts", async () => {
    const lease = await holding(story, '{"n":0}');
    const steps = Array.from({ length: 60 }, () =>
      story.lockd.mutate({ ...lease, mutations: ["/n++"] }),
    );
    await Promise.all(steps);
    expect(await story.leasedText(lease)).toBe('{"n":60}');
  });

  test("large states grow, shrink and keep their bytes", async () => {
    const note = randomBytes(90_000).toString("base64");
    const lease = await holding(story, `{"n":1,"note":"${note}","list":[1.0,2e5]}`);
    const { counters } = await story.lockd.mutate({ ...lease, mutations: ["/n++", "/new=x"] });
    expect(counters.bytesRead).toBe(note.length + 34);
    expect(await story.leasedText(lease)).toBe(
      `{"n":2,"note":"${note}","list":[1.0,2e5],"new":"x"}`,
    );
    await story.lockd.mutate({ ...lease, mutations: ["/list/1++", "/list/2/x=1"] });
    expect(await story.leasedText(lease)).toBe(
      `{"n":2,"note":"${note}","list":{"2":{"x":1}},"new":"x"}`,
    );
    const refused = story.lockd.mutate({ ...lease, mutations: ["/n++", "/note++"] });
    await expect(refused).rejects.toMatchObject({ code: "invalid_body" });
    await story.lockd.mutate({ ...lease, mutations: ["rm:/note"] });
    await story.lockd.release(lease);
    expect(await story.publicText(lease.key)).toBe('{"n":2,"list":{"2":{"x":1}},"new":"x"}');
  });
}
