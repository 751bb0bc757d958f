/** The queue commands as programs, inline and against a server. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Ended, Place, type Started } from "./lockd-process.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

let inline: Place;
let served: Place;
let server: Started & { readonly url: string };

beforeAll(async () => {
  inline = new Place();
  served = new Place();
  server = await served.serve();
});

afterAll(async () => {
  server.child.kill("SIGTERM");
  await server.ended;
  inline.remove();
  served.remove();
});

/** What a line of `eval` would set. */
function exported({ stdout }: Ended): Record<string, string> {
  const pairs = [...stdout.matchAll(/^export ([A-Z_]+)="(.*)"$/gm)];
  return Object.fromEntries(pairs.map(([, name = "", value = ""]) => [name, value]));
}

describe.concurrent.each(["inline", "served"])("%s", (mode) => {
  const run = (words: readonly string[], options: { input?: string; env?: object } = {}) => {
    if (mode === "inline") return inline.run(words, options);
    const env = { ...options.env, LOCKD_CLIENT_SERVER: server.url };
    return served.run(words, { ...options, env });
  };
  const start = (words: readonly string[]): Started =>
    mode === "inline"
      ? inline.start(words)
      : served.start(words, { env: { LOCKD_CLIENT_SERVER: server.url } });
  const dequeued = async (queue: string, ...words: string[]) =>
    exported(await run(["dequeue", queue, "--block", "20s", ...words]));

  test("a message from its producer to its ack, by hand (37, 39, 42)", async () => {
    const put = ["enqueue", "-q", "hand", "-f", "-", "--content-type", "text/plain"];
    const enqueued = await run([...put, "--attr", "a=1,b=2", "--attr-json", 'c={"d":3}'], {
      input: "payload\0bytes",
    });
    expect(enqueued.stdout).toMatch(/^message_id=[0-9a-f-]{36} attempts=0 max_attempts=5\n$/);
    const env = await dequeued("hand");
    expect(Object.keys(env)).toEqual([
      ...["LOCKD_QUEUE_NAMESPACE", "LOCKD_QUEUE_NAME", "LOCKD_QUEUE_MESSAGE_ID"],
      ...["LOCKD_QUEUE_LEASE", "LOCKD_QUEUE_FENCING_TOKEN", "LOCKD_QUEUE_META_ETAG"],
      ...["LOCKD_QUEUE_PAYLOAD_PATH", "LOCKD_QUEUE_TXN_ID"],
    ]);
    const file = env.LOCKD_QUEUE_PAYLOAD_PATH ?? "";
    expect(readFileSync(file, "utf8")).toBe("payload\0bytes");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { stdout } = await run(["extend", "--extend", "1m", "--output", "env"], { env });
    expect(stdout).toMatch(/^export LOCKD_QUEUE_META_ETAG="[^"]+"\n$/);
    expect((await run(["ack"], { env })).stdout).toBe("acknowledged\n");
    const again = await run(["ack", "--json"], { env });
    expect([again.code, JSON.parse(again.stderr)]).toMatchObject([3, { error: "not_found" }]);
    expect((await run(["stats", "hand", "-o", "text"])).stdout).toContain("available: false\n");
  });

  test("an empty queue: 5 and nothing on stdout, in the long form 0 (36)", async () => {
    const empty = await run(["dequeue", "-q", "empty", "--block", "nowait"]);
    expect(empty).toEqual({
      ...{ code: 5, stdout: "", stderr: "no messages available (try again later)\n" },
    });
    const long = ["client", "queue", "dequeue", "-q", "empty", "--block", "nowait"];
    expect(await run(long)).toMatchObject({ code: 0, stdout: "" });
    const between = ["client", "queue", "-n", "ns", "dequeue", "-q", "empty", "--block", "nowait"];
    expect((await run(between)).code).toBe(0);
    const json = await run(["q", "dequeue", "-q", "empty", "--block", "1s", "--json"]);
    expect(json.code).toBe(5);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: "waiting", exit_code: 5 });
  });

  test("nack: counted, or put off; a deferral takes no reason (40, 41)", async () => {
    await run(["enqueue", "back", "-d", "long", "--priority", "1"]);
    await run(["enqueue", "back", "-d", "short"]);
    const hidden = await dequeued("back");
    const reason = ["nack", "--intent", "defer", "--reason", "x"];
    expect((await run(reason, { env: hidden })).code).toBe(2);
    await run(["nack", "--delay", "1h"], { env: hidden });
    const first = await dequeued("back");
    expect(first.LOCKD_QUEUE_MESSAGE_ID).not.toBe(hidden.LOCKD_QUEUE_MESSAGE_ID);
    const words = ["nack", "--delay", "1s", "--reason", "no disk"];
    expect((await run(words, { env: first })).stdout).toBe("requeued\n");
    const second = await dequeued("back");
    await run(["nack", "-i", "defer"], { env: second });
    const third = await run(["dequeue", "back", "--block", "20s", "--json"]);
    expect(JSON.parse(third.stdout)).toMatchObject({ attempts: 3, failure_attempts: 1 });
    const late = await run(["nack"], { env: second });
    expect([late.code, late.stderr]).toEqual([6, expect.stringMatching(/lease_mismatch/)]);
  });

  test("a payload goes where it is wanted, and only then the rest to stdout", async () => {
    await run(["enqueue", "target", "-d", "one"]);
    await run(["enqueue", "target", "-d", "two"]);
    const file = path.join(inline.directory, `target-${mode}`);
    const toFile = await run(["dequeue", "target", "-o", file, "--block", "20s"]);
    expect([readFileSync(file, "utf8"), toFile.stderr]).toEqual(["one", ""]);
    const toStdout = await run(["dequeue", "target", "-o", "-", "--block", "20s"]);
    expect([toStdout.stdout, toStdout.stderr]).toEqual([
      ...["two", expect.stringContaining("export LOCKD_QUEUE_MESSAGE_ID=")],
    ]);
  });

  test("a payload that cannot be written: the message is back at once", async () => {
    await run(["enqueue", "unwritable", "-d", "x", "--max-attempts", "1"]);
    const nowhere = path.join(inline.directory, "no/such/place");
    const failed = await run(["dequeue", "unwritable", "-o", nowhere, "--block", "20s"]);
    expect([failed.code, failed.stdout]).toEqual([1, ""]);
    const again = await run(["dequeue", "unwritable", "--block", "20s", "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ attempts: 2, failure_attempts: 0 });
  });

  test("a state comes with the message, and goes back with it (38)", async () => {
    await run(["enqueue", "stateful", "-d", "x"]);
    const env = await dequeued("stateful", "--stateful");
    expect(env).toHaveProperty("LOCKD_QUEUE_STATE_LEASE");
    const extended = await run(["extend", "--json"], { env });
    const { meta_etag, state_lease_expires_at_unix } = JSON.parse(extended.stdout);
    expect(state_lease_expires_at_unix).toBeGreaterThan(0);
    await run(["nack", "--meta-etag", meta_etag], { env });
    const stateless = await run(["dequeue", "stateful", "--block", "20s"]);
    expect(stateless.stdout).toContain("unset LOCKD_QUEUE_STATE_LEASE\n");
    expect((await run(["ack", "--output", "env"], { env: exported(stateless) })).stdout).toContain(
      "unset LOCKD_QUEUE_MESSAGE_ID\n",
    );
  });

  test("many messages from lines of JSON, in their order", async () => {
    const lines = [
      '{"payload":"first"}',
      "",
      '{"payload":{"n":2},"attributes":{"k":"v"}}',
      '{"payload_base64":"dGhpcmQ="}',
    ];
    const put = await run(["enqueue", "bulk", "--jsonl", "-"], { input: lines.join("\n") });
    expect(put).toMatchObject({ code: 0, stdout: "enqueued=3 failed=0\n" });
    const words = ["subscribe", "bulk", "--ack", "--max", "3"];
    const taken = (await run(words)).stdout.trim().split("\n");
    expect(taken.map((line) => JSON.parse(line))).toMatchObject([
      { payload: "first" },
      { payload: '{"n":2}', payload_content_type: "application/json", attributes: { k: "v" } },
      { payload: "third" },
    ]);
    const wrong = await run(["enqueue", "bulk", "--jsonl", "-"], { input: '{"payload":"a"}\n{\n' });
    expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([
      ...[2, "", expect.stringMatching(/line 2: not JSON\n(.*\n)*enqueued=1 failed=1/)],
    ]);
    const both = ["enqueue", "bulk", "--jsonl", "-", "-d", "x"];
    expect((await run(both)).code).toBe(2);
  });

  test("a dedupe key makes one message of two enqueues", async () => {
    const put = ["enqueue", "once", "-d", "x", "--dedupe-key", "order-7", "--json"];
    const [first, second] = [await run(put), await run(put)].map(({ stdout }) =>
      JSON.parse(stdout),
    );
    expect(second).toMatchObject({ message_id: first.message_id, duplicate: true });
    expect(first).not.toHaveProperty("duplicate");
  });

  test("subscribe: payloads in files, others as base64, nothing within the time: 5", async () => {
    await run(["enqueue", "lines", "-f", "-"], { input: "text" });
    const directory = mode === "inline" ? inline.directory : served.directory;
    const words = ["subscribe", "lines", "--max", "1", "--ack", "--payload-dir", directory];
    const { payload_path, payload } = JSON.parse((await run(words)).stdout);
    expect([readFileSync(payload_path, "utf8"), payload]).toEqual(["text", undefined]);
    const file = path.join(directory, "bytes.bin");
    writeFileSync(file, Buffer.from([255, 0, 1]));
    await run(["enqueue", "lines", "-f", file]);
    const taken = await run(["subscribe", "lines", "--max", "1", "--ack"]);
    expect(JSON.parse(taken.stdout)).toMatchObject({ payload_base64: "/wAB" });
    const none = await run(["subscribe", "lines", "--block", "1s"]);
    expect([none.code, none.stdout]).toEqual([5, ""]);
  });

  test("subscribe ends with 0 when it is told to", async () => {
    await run(["enqueue", "quiet", "-d", "x"]);
    const { directory: parent } = mode === "inline" ? inline : served;
    const directory = mkdtempSync(path.join(parent, "quiet-"));
    const subscribed = start(["subscribe", "quiet", "--ack", "--payload-dir", directory]);
    await vi.waitFor(() => expect(readdirSync(directory)).toHaveLength(1), 20_000);
    await sleep(300);
    subscribed.child.kill("SIGTERM");
    expect((await subscribed.ended).code).toBe(0);
  });

  test("watch tells the present, then the change; --until-available ends it (45)", async () => {
    const watching = start(["watch", "-q", "seen", "--until-available"]);
    await sleep(1_000);
    await run(["enqueue", "seen", "-d", "x"]);
    const { code, stdout } = await watching.ended;
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect([code, events.at(-1)]).toMatchObject([0, { available: true, queue: "seen" }]);
    expect(events.filter(({ available }) => available)).toHaveLength(1);
    const one = await run(["watch", "-q", "seen", "--count", "1", "-o", "text"]);
    expect([one.code, one.stdout]).toEqual([
      0,
      expect.stringMatching(/^\d+ true [0-9a-f-]{36}\n$/),
    ]);
    const over = await run(["watch", "-q", "none", "--until-available", "--wait-timeout", "1s"]);
    expect([over.code, over.stderr]).toEqual([10, expect.stringContaining("--wait-timeout")]);
  });

  test("ls counts what is ready, delayed, in flight and dead", async () => {
    const namespace = ["-n", "counted"];
    await run(["enqueue", "a", "-d", "x", ...namespace, "--max-attempts", "1"]);
    const env = await dequeued("a", ...namespace);
    await run(["nack"], { env });
    for (const more of [[], [], ["--delay", "1h"]]) {
      await run(["enqueue", "a", "-d", "x", ...namespace, ...more]);
    }
    await dequeued("a", ...namespace);
    const { stdout } = await run(["queue", "ls", "--json", ...namespace]);
    expect(JSON.parse(stdout)).toMatchObject([
      { namespace: "counted", queue: "a", ready: 1, delayed: 1, in_flight: 1, dead: 1 },
    ]);
    expect((await run(["queue", "ls", ...namespace])).stdout).toMatch(
      /^NAMESPACE +QUEUE +READY .*\ncounted +a +1 +1 +1 +1 +\d+s\n$/,
    );
    expect((await run(["queue", "ls", "-n", "nowhere", "--json"])).stdout).toBe("[]\n");
  });

  test("a nack behind an extend that was not evaluated says what is missing", async () => {
    await run(["enqueue", "stale", "-d", "x"]);
    const env = await dequeued("stale");
    const extended = await run(["extend", "--output", "env"], { env });
    const refused = await run(["nack"], { env });
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining("cas_mismatch")]);
    expect(refused.stderr).toContain('eval "$(lockd extend --output env)"');
    const [, etag] = /^export LOCKD_QUEUE_META_ETAG="(.*)"$/m.exec(extended.stdout) ?? [];
    const newest = { ...env, LOCKD_QUEUE_META_ETAG: etag };
    expect((await run(["nack"], { env: newest })).code).toBe(0);
  });

  test("dead letters are listed, shown, brought back and deleted", async () => {
    for (const payload of ["one", "two"]) {
      await run(["enqueue", "dead", "-d", payload, "--max-attempts", "1"]);
      const env = await dequeued("dead");
      await run(["nack", "--reason", "no disk"], { env });
    }
    const table = await run(["queue", "dlq", "ls", "dead"]);
    expect(table.stdout).toMatch(/^MESSAGE +DIED .*\n[0-9a-f-]{36} .*no disk\n[0-9a-f-]{36} /);
    const letters = JSON.parse((await run(["queue", "dlq", "ls", "dead", "--json"])).stdout);
    const [first = "", second = ""] = (letters as { message_id: string }[]).map(
      ({ message_id }) => message_id,
    );
    const shown = await run(["queue", "dlq", "show", "dead", first, "-o", "-"]);
    expect([shown.stdout, JSON.parse(shown.stderr)]).toMatchObject([
      ...["one", { message_id: first, failure_attempts: 1, payload_bytes: 3 }],
    ]);
    const redriven = await run(["queue", "dlq", "redrive", "dead", first]);
    expect(redriven.stdout).toBe("redriven=1\n");
    const back = JSON.parse((await run(["dequeue", "dead", "--block", "20s", "--json"])).stdout);
    expect(back).toMatchObject({ attempts: 1, failure_attempts: 0 });
    expect(await run(["queue", "dlq", "purge", "dead", "--all"])).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining("--yes") },
    });
    expect((await run(["queue", "dlq", "purge", "dead", second, "--yes"])).stdout).toBe(
      "purged=1\n",
    );
    const gone = await run(["queue", "dlq", "show", "dead", second]);
    expect([gone.code, gone.stderr]).toEqual([3, expect.stringContaining("message_not_found")]);
    const all = await run(["queue", "dlq", "redrive", "dead", "--all", "--json"]);
    expect(JSON.parse(all.stdout)).toEqual({ redriven: 0 });
    expect((await run(["queue", "dlq", "redrive", "dead"])).code).toBe(2);
  });
});

describe("what is wrong with the words", () => {
  test.each([
    [["enqueue", "-d", "x"], "--queue is required"],
    [["enqueue", "q", "--attr", "novalue"], '--attr "novalue"'],
    [["enqueue", "q", "--delay", "soon"], '--delay "soon"'],
    [["dequeue"], "--queue is required (or set LOCKD_QUEUE_NAME)"],
    [["ack", "-q", "q"], "--message is required (or set LOCKD_QUEUE_MESSAGE_ID)"],
    [["watch", "jobs", "-q", "jobs"], "watch one of"],
    [["watch", "jobs", "--until-available"], "need --queue"],
    [["watch"], "watch one of"],
    [["watch", "-q", "jobs", "--count", "0"], '--count "0"'],
    [["subscribe", "q", "--exec", "true", "--ack"], "--ack"],
  ])("%j: 2", async (words, message) => {
    const { code, stdout, stderr } = await inline.run(words);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(message)]);
  });

  test("enqueue reads neither standard input nor the queue of the environment", async () => {
    const env = { LOCKD_QUEUE_NAME: "left-over" };
    expect((await inline.run(["enqueue"], { env })).code).toBe(2);
    const { stdout } = await inline.run(["enqueue", "nothing", "--json"], { input: "not read" });
    expect(JSON.parse(stdout)).toMatchObject({ payload_bytes: 0 });
  });
});

test("watch and subscribe go on when their server was away", async () => {
  const place = new Place();
  try {
    const socket = path.join(place.directory, "lockd.sock");
    const listen = [
      "serve",
      "--store",
      place.storeUrl,
      "--listen-proto",
      "unix",
      "--listen",
      socket,
    ];
    const first = place.start(listen);
    await vi.waitFor(() => expect(existsSync(socket)).toBe(true), 20_000);
    const at = ["-s", `unix://${socket}`];
    const watching = place.start(["watch", "-q", "jobs", "--until-available", ...at]);
    const subscribed = place.start(["subscribe", "other", "--ack", "--max", "1", ...at]);
    await sleep(1_500);
    first.child.kill("SIGKILL");
    await first.ended;
    const second = place.start(listen);
    await second.says('"network":"unix"');
    await place.run(["enqueue", "jobs", "-d", "x", ...at]);
    await place.run(["enqueue", "other", "-d", "y", ...at]);
    expect((await watching.ended).code).toBe(0);
    expect(JSON.parse((await subscribed.ended).stdout)).toMatchObject({ payload: "y" });
    second.child.kill("SIGTERM");
    await second.ended;
  } finally {
    place.remove();
  }
});
