/** Queries and namespace configuration (query-and-lql.md section 15, cases 46 to 78). */
import { randomBytes } from "node:crypto";
import type { LeaseAddress, Lockd } from "../../src/api/lockd.ts";
import type { DocumentRow, QueryKeys, QueryRequest } from "../../src/api/queries.ts";
import { parseSelector } from "../../src/lql/selector/parse-selector.ts";
import { addressOf, bytesOf, expect, json, type Story, test } from "./lockd-suite.ts";

/** A namespace of a case's own, searched by scanning. */
export class Shelf {
  readonly namespace = `ns-${randomBytes(6).toString("hex")}`;
  readonly lockd: Lockd;

  private constructor(lockd: Lockd) {
    this.lockd = lockd;
  }

  static async scanned({ lockd }: Story): Promise<Shelf> {
    const shelf = new Shelf(lockd);
    await shelf.configure("scan", "none");
    return shelf;
  }

  static async indexed({ lockd }: Story): Promise<Shelf> {
    const shelf = new Shelf(lockd);
    await shelf.configure("index", "none");
    return shelf;
  }

  async configure(preferredEngine: string, fallbackEngine: string): Promise<void> {
    const { namespace } = this;
    await this.lockd.queries.setNamespaceConfig({
      namespace,
      query: { preferredEngine, fallbackEngine },
    });
  }

  async lease(key: string): Promise<LeaseAddress> {
    const { namespace } = this;
    const request = { namespace, key, owner: "w", ttlSeconds: 30, blockSeconds: -1 };
    return addressOf(await this.lockd.acquire(request));
  }

  async commit(key: string, value: unknown): Promise<void> {
    const lease = await this.lease(key);
    await this.lockd.update({ ...lease, release: "commit" }, json(value));
  }

  async hide(key: string, queryHidden: boolean): Promise<void> {
    const lease = await this.lease(key);
    await this.lockd.updateMetadata({ ...lease, queryHidden });
    await this.lockd.release(lease);
  }

  async remove(key: string): Promise<void> {
    const lease = await this.lease(key);
    await this.lockd.remove(lease);
    await this.lockd.release(lease);
  }

  query(text = "", request: QueryRequest = {}): Promise<QueryKeys> {
    const selector = parseSelector(text);
    return this.lockd.queries.keys({ namespace: this.namespace, selector, ...request });
  }

  async keys(text = "", request: QueryRequest = {}): Promise<readonly string[]> {
    return (await this.query(text, request)).keys;
  }

  async rows(text = "", request: QueryRequest = {}) {
    const { namespace } = this;
    const selector = parseSelector(text);
    const documents = await this.lockd.queries.documents({ namespace, selector, ...request });
    const rows: (Omit<DocumentRow, "doc"> & { readonly doc: string })[] = [];
    expect(documents.end).toBeUndefined();
    for await (const row of documents) {
      rows.push({ ...row, doc: (await bytesOf(row.doc)).toString() });
    }
    return { rows, end: documents.end };
  }
}

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `k${String(i).padStart(4, "0")}`);
}

const longText = "x".repeat(300_000);

export function queryCases(story: Story): void {
  test("46, 47: all published keys in order; no match is an empty list", async () => {
    const shelf = await Shelf.scanned(story);
    for (const key of ["b", "a/z", "a", "a-b", "a.b"]) await shelf.commit(key, { key });
    const all = await shelf.query();
    expect(all.keys).toEqual(["a", "a-b", "a.b", "a/z", "b"]);
    expect(all.namespace).toBe(shelf.namespace);
    expect(all.cursor).toBeUndefined();
    expect(all.metadata).toMatchObject({ engine: "scan", query_candidates_seen: "5" });
    expect(await shelf.keys("/key=nowhere")).toEqual([]);
    expect(await shelf.keys("/key=a")).toEqual(["a"]);
  });

  test("48: no matching document is a stream that only ends", async () => {
    const shelf = await Shelf.scanned(story);
    await shelf.commit("k", { n: 1 });
    const { rows, end } = await shelf.rows("/n=2");
    expect(rows).toEqual([]);
    expect(end).toMatchObject({ cursor: undefined, metadata: { query_candidates_seen: "1" } });
  });

  test("49: whole documents with their versions, byte for byte", async () => {
    const shelf = await Shelf.scanned(story);
    const exact = '{"n":1.10,"big":9007199254740993,"s":"\\u00e9}\\n","t":"é}"}';
    await shelf.commit("exact", exact);
    await shelf.commit("list", "[1,2]");
    await shelf.commit("exact", exact);
    const { rows } = await shelf.rows();
    const { namespace } = shelf;
    expect(rows).toEqual([
      { namespace, key: "exact", version: 2, doc: exact },
      { namespace, key: "list", version: 1, doc: "[1,2]" },
    ]);
  });

  test("long documents are matched and streamed like short ones", async () => {
    const shelf = await Shelf.scanned(story);
    const long = JSON.stringify({ text: longText, n: 7, end: "}\n" });
    for (const key of ["a", "b", "c"]) await shelf.commit(key, key === "b" ? { n: 7 } : long);
    expect(await shelf.keys("/n=7")).toEqual(["a", "b", "c"]);
    expect(await shelf.keys(`/n=7,/text!=""`)).toEqual(["a", "b", "c"]);
    const { rows, end } = await shelf.rows("/n=7");
    expect(rows.map(({ key, doc }) => [key, doc.length])).toEqual([
      ["a", long.length],
      ["b", 7],
      ["c", long.length],
    ]);
    expect(rows[2]?.doc === long).toBe(true);
    expect(end?.cursor).toBeUndefined();
  });

  test("rows whose documents are not read are passed over", async () => {
    const shelf = await Shelf.scanned(story);
    const long = JSON.stringify({ text: longText });
    for (const key of ["a", "b", "c", "d"]) await shelf.commit(key, long);
    const { namespace } = shelf;
    const documents = await story.lockd.queries.documents({ namespace });
    const seen: string[] = [];
    for await (const row of documents) {
      seen.push(row.key);
      if (row.key === "b") expect((await bytesOf(row.doc)).toString() === long).toBe(true);
    }
    expect(seen).toEqual(["a", "b", "c", "d"]);
    const left = await story.lockd.queries.documents({ namespace });
    for await (const row of left) if (row.key === "b") break;
    await left.close();
    expect(left.end).toBeUndefined();
  });

  test("50: pages of 100, 100 and 50, nothing twice, the last without a cursor", async () => {
    const shelf = await Shelf.scanned(story);
    const all = numbered(250);
    for (const key of all) await shelf.commit(key, { key });
    const pages: (readonly string[])[] = [];
    let cursor: string | undefined;
    do {
      const page = await shelf.query("", { limit: 100, cursor });
      pages.push(page.keys);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(pages.map((page) => page.length)).toEqual([100, 100, 50]);
    expect(pages.flat()).toEqual(all);
    const exact = await shelf.query("", { limit: 250 });
    expect([exact.keys.length, exact.cursor]).toEqual([250, undefined]);
    const { rows, end } = await shelf.rows("", { limit: 100 });
    const next = await shelf.rows("", { limit: 200, cursor: end?.cursor });
    expect([...rows, ...next.rows].map(({ key }) => key)).toEqual(all);
    expect(next.end?.cursor).toBeUndefined();
    expect((await shelf.keys("", { limit: 0 })).length).toBe(100);
    expect((await shelf.keys("", { limit: -1 })).length).toBe(100);
    expect((await shelf.keys("", { limit: 5000 })).length).toBe(250);
  }, 60_000);

  test("a key that is hidden or never published does not make a page look unfinished", async () => {
    const shelf = await Shelf.scanned(story);
    for (const key of ["a", "b", "z"]) await shelf.commit(key, {});
    await shelf.hide("z", true);
    await shelf.lease("y");
    expect(await shelf.query("", { limit: 2 })).toMatchObject({
      keys: ["a", "b"],
      cursor: undefined,
    });
  });

  test("52: cursors that are damaged or of another engine", async () => {
    const shelf = await Shelf.scanned(story);
    for (const cursor of [
      "garbage",
      "scanv1:",
      "scanv1:!!",
      "scanv1:QQ",
      "indexv1:YQ",
      `scanv1:${Buffer.from("../x").toString("base64url")}`,
    ]) {
      await expect(shelf.query("", { cursor })).rejects.toMatchObject({ code: "invalid_cursor" });
    }
    await expect(shelf.query("", { cursor: "scanv1:YQ" })).resolves.toMatchObject({ keys: [] });
  });

  test("53, 56: what is wrong is named, in the order of the contract", async () => {
    const { namespace } = await Shelf.scanned(story);
    const ask = (request: QueryRequest) => story.lockd.queries.keys({ namespace, ...request });
    const wrong: QueryRequest = {
      selector: { eq: { field: "x" } },
      namespace: ".txns",
      fields: [1],
      engine: "x",
      returnMode: "rows",
      refresh: "now",
      cursor: "garbage",
    };
    const right: QueryRequest = {
      selector: {},
      namespace,
      fields: { a: 1 },
      engine: "scan",
      returnMode: "keys",
      refresh: "wait_for",
      cursor: "",
    };
    const order = [
      ["selector", "invalid_selector"],
      ["namespace", "invalid_namespace"],
      ["fields", "invalid_fields"],
      ["engine", "invalid_engine"],
      ["returnMode", "invalid_return"],
      ["refresh", "invalid_refresh"],
      ["cursor", "invalid_cursor"],
    ] as const;
    let request = { ...wrong };
    for (const [member, code] of order) {
      await expect(ask(request)).rejects.toMatchObject({ code });
      request = { ...request, [member]: right[member] };
    }
    await expect(ask(request)).resolves.toMatchObject({ keys: [] });
  });

  test("57: engines that the namespace does not allow", async () => {
    const shelf = await Shelf.scanned(story);
    const unavailable = { code: "query_engine_unavailable", status: 400 };
    await expect(shelf.query("", { engine: "index" })).rejects.toMatchObject(unavailable);
    await shelf.configure("index", "none");
    await expect(shelf.query("", { engine: "scan" })).rejects.toMatchObject(unavailable);
    const documents = story.lockd.queries.documents({
      namespace: shelf.namespace,
      engine: "scan",
    });
    await expect(documents).rejects.toMatchObject(unavailable);
    await shelf.configure("index", "scan");
    expect(await shelf.keys("", { engine: "scan" })).toEqual([]);
  });
}

export function namespaceCases(story: Story): void {
  const fresh = (): string => `cfg-${randomBytes(6).toString("hex")}`;

  test("66: configuration with and without a condition", async () => {
    const { queries } = story.lockd;
    const namespace = fresh();
    const defaults = await queries.namespaceConfig({ namespace });
    expect(defaults).toMatchObject({ namespace, fallbackEngine: "none", etag: undefined });
    const query = { preferredEngine: " SCAN " };
    const early = queries.setNamespaceConfig({ namespace, query, ifMatch: "x" });
    await expect(early).rejects.toMatchObject({ code: "namespace_config_conflict" });
    const first = await queries.setNamespaceConfig({ namespace, query });
    expect(first).toMatchObject({ preferredEngine: "scan", fallbackEngine: "none" });
    expect(first.etag).toBeTruthy();
    expect(await queries.namespaceConfig({ namespace })).toEqual(first);
    const second = await queries.setNamespaceConfig({
      namespace,
      query: { preferredEngine: "", fallbackEngine: "scan" },
      ifMatch: `"${first.etag}"`,
    });
    expect(second).toMatchObject({ preferredEngine: "scan", fallbackEngine: "scan" });
    expect(second.etag).not.toBe(first.etag);
    const stale = queries.setNamespaceConfig({ namespace, query: {}, ifMatch: first.etag });
    await expect(stale).rejects.toMatchObject({ code: "namespace_config_conflict", status: 409 });
  });

  test("66: of two changes on one etag, one wins", async () => {
    const { queries } = story.lockd;
    const namespace = fresh();
    const { etag } = await queries.setNamespaceConfig({ namespace, query: {} });
    const change = (fallbackEngine: string) =>
      queries.setNamespaceConfig({ namespace, query: { fallbackEngine }, ifMatch: etag });
    const results = await Promise.allSettled([change("scan"), change("none"), change("scan")]);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("66: what cannot be a configuration", async () => {
    const { queries } = story.lockd;
    const namespace = fresh();
    const invalid = { code: "invalid_namespace_request", status: 400 };
    for (const query of [undefined, { preferredEngine: "x" }, { fallbackEngine: "index" }]) {
      const change = queries.setNamespaceConfig({ namespace, query });
      await expect(change).rejects.toMatchObject(invalid);
    }
    const reserved = queries.setNamespaceConfig({ namespace: ".txns", query: {} });
    await expect(reserved).rejects.toMatchObject({ code: "invalid_namespace" });
    expect((await queries.namespaceConfig({ namespace })).etag).toBeUndefined();
  });

  test("68: a change of the engine holds for the next query on this node", async () => {
    const shelf = await Shelf.scanned(story);
    await shelf.commit("k", {});
    expect((await shelf.query()).metadata).toMatchObject({ engine: "scan" });
    await shelf.configure("index", "none");
    const refused = shelf.query("", { engine: "scan" });
    await expect(refused).rejects.toMatchObject({ code: "query_engine_unavailable" });
    await shelf.configure("scan", "none");
    expect((await shelf.query()).metadata).toMatchObject({ engine: "scan" });
  });

  test("63: flush modes, and a store that may have no index", async () => {
    const { queries } = story.lockd;
    const namespace = fresh();
    const later = queries.flushIndex({ namespace, mode: "later" });
    await expect(later).rejects.toMatchObject({ code: "invalid_mode" });
    const reserved = queries.flushIndex({ namespace: ".ha", mode: "later" });
    await expect(reserved).rejects.toMatchObject({ code: "invalid_namespace" });
  });
}
