/**
 * Which mistake is told when there are several (the "Order" lines of http-core.md section 10): each
 * row mends the mistake that was told and names the next.
 */
import type { Answer } from "../../server/raw-http.ts";
import { expect, freshKey, longAgo, sha256, test } from "../lockd-suite.ts";
import type { Wire } from "./wire.ts";

interface Asked {
  readonly key?: string | undefined;
  readonly namespace?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Step = readonly [mend: Asked, then: string];

const wrongHeaders = {
  "X-If-Version": "x",
  "X-Lockd-Meta-Query-Hidden": "maybe",
};

const lease = { headers: { "X-Lease-ID": "l" } };
const txn = { headers: { "X-Txn-ID": "t" } };
const token = { headers: { "X-Fencing-Token": "1" } };
const garbled = { headers: { "X-Fencing-Token": "x" } };
const version = { headers: { "X-If-Version": "" } };
const hidden = { headers: { "X-Lockd-Meta-Query-Hidden": "1" } };

const orders: Readonly<Record<string, readonly Step[]>> = {
  remove: [
    [{ namespace: ".x", body: "{", headers: wrongHeaders }, "400 missing_key"],
    [{ key: "a//b" }, "400 invalid_namespace"],
    [{ namespace: "n" }, "400 invalid_key"],
    [{ key: "k" }, "400 missing_lease"],
    [lease, "400 missing_txn"],
    [txn, "400 missing_fencing_token"],
    [garbled, "400 invalid_fencing_token"],
    [token, "400 invalid_version"],
    [version, "403 lease_required"],
  ],
  metadata: [
    [{ namespace: ".x", body: "{", headers: wrongHeaders }, "400 missing_key"],
    [{ key: "a//b" }, "400 missing_lease"],
    [lease, "400 missing_txn"],
    [txn, "400 missing_fencing_token"],
    [token, "400 invalid_metadata"],
    [hidden, "400 invalid_metadata"],
    [{ body: '{"foo":1}' }, "400 invalid_metadata"],
    [{ body: "" }, "400 invalid_version"],
    [version, "400 invalid_namespace"],
    [{ namespace: "n" }, "400 invalid_key"],
    [{ key: "k" }, "403 lease_required"],
  ],
  mutate: [
    [{ namespace: ".x", body: "{", headers: wrongHeaders }, "400 missing_key"],
    [{ key: "a//b" }, "400 invalid_body"],
    [{ body: '{"mutations":[]}' }, "400 invalid_body"],
    [{ body: '{"mutations":["/b"]}' }, "400 invalid_namespace"],
    [{ namespace: "n" }, "400 missing_lease"],
    [lease, "400 missing_txn"],
    [txn, "400 missing_fencing_token"],
    [token, "400 invalid_version"],
    [version, "400 invalid_metadata"],
    [hidden, "400 invalid_mutations"],
    [{ body: '{"mutations":["/b=1"]}' }, "400 invalid_key"],
    [{ key: "k" }, "403 lease_required"],
  ],
  get: [
    [{ namespace: ".x" }, "400 missing_params"],
    [{ key: "a//b" }, "400 missing_fencing_token"],
    [token, "400 invalid_namespace"],
    [{ namespace: "n" }, "400 invalid_key"],
    [{ key: "k" }, "400 missing_params"],
    [lease, "403 lease_required"],
  ],
  describe: [
    [{ namespace: ".x" }, "400 missing_key"],
    [{ key: "a//b" }, "400 invalid_namespace"],
    [{ namespace: "n" }, "400 invalid_key"],
  ],
};

export function orderWireCases(wire: Wire): void {
  const ask = (path: string, { key, namespace, body, headers }: Asked): Promise<Answer> => {
    const query = new URLSearchParams();
    if (key !== undefined) query.set("key", key);
    if (namespace !== undefined) query.set("namespace", namespace);
    return wire.post(`/v1/${path}?${query}`, body, headers);
  };

  test.each(Object.entries(orders))("the order of the mistakes of %s", async (path, steps) => {
    let asked: Asked = {};
    const told: string[] = [];
    for (const [mend] of steps) {
      asked = { ...asked, ...mend, headers: { ...asked.headers, ...mend.headers } };
      told.push(await wire.refused(ask(path, asked)));
    }
    expect(told).toEqual(steps.map(([, then]) => then));
  });

  test.each([
    ["keepalive", "403 lease_required"],
    ["release", "200 undefined"],
  ])("the order of the mistakes of %s", async (path, end) => {
    const txnStep = path === "keepalive" ? [] : [["txn_id", "t", "400 missing_txn"] as const];
    let body: Record<string, unknown> = { namespace: ".x", key: " ", foo: 1 };
    const code = (headers = {}) => wire.refused(wire.post(`/v1/${path}`, body, headers));
    expect(await code()).toBe("400 missing_fencing_token");
    expect(await code({ "X-Fencing-Token": "x" })).toBe("400 invalid_fencing_token");
    for (const [name, value, before] of [
      ["foo", undefined, "400 invalid_body"],
      ["namespace", "n", "400 invalid_namespace"],
      ["key", "a//b", "400 missing_key"],
      ["key", freshKey(), "400 invalid_key"],
      ["lease_id", "l", "400 missing_lease"],
      ...txnStep,
    ] as const) {
      expect(await code({ "X-Fencing-Token": "1" })).toBe(before);
      body = { ...body, [name]: value };
    }
    expect(await code({ "X-Fencing-Token": "1" })).toBe(end);
  });

  test("27, 44: every call refuses a lease alike, and tells what is committed", async () => {
    const key = freshKey();
    await wire.commit(key, "1");
    const held = await wire.lease({ key });
    const committed = { current_version: 1, current_etag: sha256("1") };
    const calls: readonly (readonly [
      method: "GET" | "POST" | "DELETE",
      path: string,
      body: string,
    ])[] = [
      ["POST", "update", "2"],
      ["POST", "mutate", '{"mutations":["/a=1"]}'],
      ["POST", "metadata", '{"query_hidden":true}'],
      ["POST", "remove", ""],
      ["POST", "attachments", "x"],
      ["GET", "attachments", ""],
      ["GET", "attachment", ""],
      ["DELETE", "attachment", ""],
      ["DELETE", "attachments", ""],
      ["POST", "get", ""],
    ];
    for (const [name, value, code] of [
      ["X-Lease-ID", longAgo, "403 lease_required"],
      ["X-Fencing-Token", "9", "403 fencing_mismatch"],
      ["X-Txn-ID", longAgo, "409 txn_mismatch"],
    ] as const) {
      const headers = { ...held.headers, [name]: value };
      for (const [method, path, body] of calls) {
        // A read of the state asks for no transaction.
        if (path === "get" && name === "X-Txn-ID") continue;
        const options = method === "POST" ? { method, body, headers } : { method, headers };
        const { status, json } = await wire.ask(`/v1/${path}${held.query}&name=f`, options);
        expect(`${method} ${path}: ${status} ${json.error}`).toBe(`${method} ${path}: ${code}`);
        expect(json).toMatchObject(committed);
      }
    }
    expect((await wire.release(held)).status).toBe(200);
    expect((await wire.describe(key)).json.version).toBe(1);
  });

  test("the order of the mistakes about a message", async () => {
    const code = (verb: string, body: object) => wire.refused(wire.post(`/v1/queue/${verb}`, body));
    for (const verb of ["ack", "nack", "extend"]) {
      const ids = { message_id: "m", lease_id: "l", meta_etag: "e" };
      expect(await code(verb, { ...ids, namespace: ".x" })).toBe("400 invalid_namespace");
      expect(await code(verb, ids)).toBe("400 missing_fields");
      expect(await code(verb, { ...ids, queue: "a/b" })).toBe("400 invalid_queue");
      expect(await code(verb, { ...ids, queue: "q", message_id: ".." })).toBe(
        "400 invalid_queue_key",
      );
      expect(await code(verb, { ...ids, queue: "q" })).toBe("404 not_found");
    }
  });
}
