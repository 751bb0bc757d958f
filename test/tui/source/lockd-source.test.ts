/** A real engine as the dashboard sees it. */
import { afterEach, expect, test } from "vitest";
import { failure } from "../../../src/api/errors.ts";
import type { KeyAddress, Lockd } from "../../../src/api/lockd.ts";
import { describeFailure } from "../../../src/cli/dashboard/describe-failure.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import type { Look } from "../../../src/tui/source/dashboard-source.ts";
import { LockdSource } from "../../../src/tui/source/lockd-source.ts";
import { testEngine } from "../../support/test-engine.ts";
import { madeUpLease, madeUpLook } from "../support/made-up.ts";

const { signal } = new AbortController();
const open: Engine[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()));
});

function made() {
  const { engine, clock } = testEngine();
  open.push(engine);
  const about = { mode: "inline", store: "mem://", version: "9.9.9" } as const;
  const now = () => 1_000;
  const source = new LockdSource({ lockd: engine, about, describe: describeFailure, now });
  return { engine, clock, source };
}

const everything = {
  namespaces: [],
  after: undefined,
  limit: 200,
  order: "expiry",
  filter: "",
} as const;

test("a look says who answers, and what it could not have", async () => {
  const { source } = made();
  const look = await source.look(everything, signal);
  expect(look).toMatchObject({ version: "9.9.9", tc: { mode: "local" }, draining: false });
});

test("a key: its holder, its token, and its state laid out", async () => {
  const { engine, source } = made();
  const lease = await engine.acquire({ key: "orders", owner: "web-7" });
  await engine.update({ ...lease, release: "commit" }, Buffer.from('{"a":[1,{"b":1e400}]}'));
  await engine.acquire({ key: "orders", owner: "web-8" });
  const subject = { kind: "key", namespace: "default", key: "orders" } as const;
  const { facts, heading, lines } = await source.detail(subject, signal);
  expect(new Map(facts).get("held by")).toBe("web-8");
  expect(new Map(facts).get("token")).toBe("2");
  expect(heading).toBe("committed state, 21 bytes");
  expect(lines).toContain('      "b": 1e400');
});

test("a state that is too long is shown as far as it is read", async () => {
  const { engine, source } = made();
  const lease = await engine.acquire({ key: "large", owner: "web-7" });
  const body = Buffer.from(JSON.stringify("x".repeat(600_000)));
  await engine.update({ ...lease, release: "commit" }, body);
  const subject = { kind: "key", namespace: "", key: "large" } as const;
  const { heading, lines } = await source.detail(subject, signal);
  expect(heading).toBe("committed state, 600002 bytes, the first 262144");
  expect(lines.join("")).toHaveLength(262_144);
});

test("a key nobody ever had", async () => {
  const { source } = made();
  const subject = { kind: "key", namespace: "", key: "never" } as const;
  const { facts, heading, lines } = await source.detail(subject, signal);
  expect(new Map(facts).get("held by")).toBe("nobody");
  expect([heading, lines]).toEqual(["no committed state", []]);
});

test("a release takes the lease away and throws away what it staged", async () => {
  const { engine, source } = made();
  const lease = await engine.acquire({ key: "orders", owner: "web-7" });
  await engine.update(lease, Buffer.from("{}"));
  const row = madeUpLease(0, { ...lease, acquiredAtUnix: 0, remainingMs: 1 });
  const action = { kind: "release", lease: row } as const;
  expect(await source.act(action, signal)).toBe("released default/orders");
  const status = await engine.status({ key: "orders" });
  expect(status).toMatchObject({ held: false, version: 0 });
});

test("a release with an old token is refused: somebody else has the key by now", async () => {
  const { engine, source } = made();
  const old = await engine.acquire({ key: "orders", owner: "web-7" });
  await engine.release(old);
  await engine.acquire({ key: "orders", owner: "web-8" });
  const row = madeUpLease(0, { ...old, acquiredAtUnix: 0, remainingMs: 1 });
  await source.act({ kind: "release", lease: row }, signal).catch(() => {});
  expect(await engine.status({ key: "orders" })).toMatchObject({ held: true, owner: "web-8" });
});

test("dead letters are listed, put back and deleted", async () => {
  const { engine, source } = made();
  for (const text of ["a", "b"]) {
    await engine.queues.enqueue({ queue: "jobs", maxAttempts: 1 }, Buffer.from(text));
    const [delivery] = await engine.queues.dequeue({ queue: "jobs", owner: "w", waitSeconds: -1 });
    if (delivery === undefined) throw new Error("nothing was delivered");
    await engine.queues.nack({ ...delivery, lastError: { reason: "broken" } });
  }
  const subject = { kind: "queue", namespace: "default", queue: "jobs" } as const;
  const { heading, lines } = await source.detail(subject, signal);
  expect(heading).toBe("dead letters");
  expect(lines.join("\n")).toContain("1 of 1 failures");
  expect(lines.join("\n")).toContain("broken");
  const action = { namespace: "default", queue: "jobs" } as const;
  const redriven = await source.act({ kind: "redrive", ...action }, signal);
  expect(redriven).toBe("put back 2 dead letters of default/jobs");
  const purged = await source.act({ kind: "purge", ...action }, signal);
  expect(purged).toBe("deleted 0 dead letters of default/jobs");
});

test("against a server without cursors, letters are put back until none is left", async () => {
  const left = [1_000, 1_000, 3, 0, 7];
  const redrive = async () => ({ changed: left.shift() ?? 0, more: true });
  const lockd = { queues: { redrive } } as unknown as Lockd;
  const about = { mode: "server", store: "", version: undefined } as const;
  const source = new LockdSource({ lockd, about, describe: describeFailure, now: () => 1_000 });
  const action = { kind: "redrive", namespace: "default", queue: "jobs" } as const;
  expect(await source.act(action, signal)).toBe("put back 2003 dead letters of default/jobs");
  expect(left).toEqual([7]);
});

/** The engine with an overview of its own, or with what old servers answer in its place. */
function observed(overview: () => Promise<Look>) {
  const { engine, clock } = made();
  const changes = () => Promise.reject(failure("not_found", "there is no /v1/x/events here"));
  const lockd = {
    observation: { overview, changes },
    describe: (request: KeyAddress) => engine.describe(request),
    queries: engine.queries,
    queues: engine.queues,
    transactions: engine.transactions,
  } as unknown as Lockd;
  const about = { mode: "server", store: "", version: undefined } as const;
  const now = () => clock.wallMs();
  const source = new LockdSource({ lockd, about, describe: describeFailure, now });
  return { engine, clock, source };
}

test("an overview is shown as it is", async () => {
  const { source } = observed(async () => madeUpLook({ mode: "inline" }));
  expect(await source.look(everything, signal)).toEqual(madeUpLook({ mode: "server" }));
});

test("a server without an overview: what queries and descriptions tell", async () => {
  const none = () => Promise.reject(failure("not_found", "there is no /v1/x/overview here"));
  const { engine, source } = observed(none);
  for (const key of ["b", "a", "free", "c"]) {
    const lease = await engine.acquire({ key, owner: `web-${key}` });
    await engine.update({ ...lease, release: "commit" }, Buffer.from("{}"));
  }
  for (const [key, ttlSeconds] of [
    ["a", 90],
    ["b", 60],
    ["c", 75],
  ] as const) {
    await engine.acquire({ key, owner: `web-${key}`, ttlSeconds });
  }
  const look = await source.look(everything, signal);
  expect(look.leases.map(({ key }) => key)).toEqual(["b", "c", "a"]);
  expect(look).toMatchObject({ complete: false, counts: undefined, mode: "server" });
  const byName = await source.look({ ...everything, order: "name", filter: "WEB-" }, signal);
  expect(byName.leases.map(({ key }) => key)).toEqual(["a", "b", "c"]);
  const one = await source.look({ ...everything, filter: "web-c" }, signal);
  expect(one.leases.map(({ key }) => key)).toEqual(["c"]);
  expect(await source.follow(undefined, signal)).toBeUndefined();
});

test("any other failure of an overview is a failure of the look", async () => {
  const { source } = observed(() => Promise.reject(failure("shutdown_draining", "ends")));
  await expect(source.look(everything, signal)).rejects.toMatchObject({
    code: "shutdown_draining",
  });
});
