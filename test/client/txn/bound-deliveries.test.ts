/** A message that a transaction takes: no commit stands without it (docs/decisions/0011-…). */
import { describe, expect, test } from "vitest";
import { apiErrorOf, LockdConfigError } from "../../../src/api/errors.ts";
import type { DequeueRequest } from "../../../src/api/queues.ts";
import { leaseExpired, sessionFixture } from "../session-fixture.ts";

type Instead = (request: DequeueRequest) => unknown;

/** A client whose queue calls of some verbs are answered, or refused, by `instead` first. */
function fixture(instead: { dequeue?: Instead; extend?: Instead } = {}) {
  const warnings: string[] = [];
  const logger = { debug() {}, warn: (event: string) => void warnings.push(event) };
  const given = sessionFixture({ logger });
  const asked: { readonly verb: string; readonly request: DequeueRequest }[] = [];
  const queues = new Proxy(given.lockd.queues, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return async (...call: unknown[]) => {
        const request = call[0] as DequeueRequest;
        asked.push({ verb: String(name), request });
        const early =
          name === "dequeue" || name === "extend" ? instead[name]?.(request) : undefined;
        return early ?? Reflect.apply(member, target, call);
      };
    },
  });
  Object.defineProperty(given.lockd, "queues", { value: queues });
  const bound = (): readonly unknown[] =>
    asked.filter(({ verb }) => verb === "dequeue").map(({ request }) => request.txnBound);
  const read = (key: string) => given.client.loadOr(key, null);
  return { ...given, asked, bound, read, warnings };
}

const soon = { waitMs: "none", visibilityMs: 4_000 } as const;
const other = { owner: "other", waitMs: "none" } as const;

/** Claims to have extended, as a process believes that stands still. */
function believed(): object {
  const visibilityTimeoutSeconds = 4;
  return { leaseExpiresAtUnix: 9_999_999_999, visibilityTimeoutSeconds, metaEtag: "believed" };
}

/** Refuses what it does not know, as a server of the contract and nothing else does. */
function strict({ txnBound }: DequeueRequest): undefined {
  if (txnBound === undefined) return undefined;
  throw apiErrorOf("invalid_body", "unknown field txn_bound", { status: 400 });
}

test("a commit does not stand without the message whose lease was lost", async () => {
  const { client, clock, read, bound } = fixture({ extend: believed });
  await client.enqueue("in", "x");
  let stolen: Awaited<ReturnType<typeof client.dequeue>> = null;
  const work = client.transaction(async (tx) => {
    await tx.dequeue("in", soon);
    await (await tx.acquire("total")).save({ n: 1 });
    await clock.advance(5_000);
    stolen = await client.dequeue("in", other);
  });
  await expect(work).rejects.toMatchObject({ code: "txn_conflict" });
  expect(stolen).toMatchObject({ attempts: 2 });
  expect(await read("total")).toBeNull();
  // The other consumer is in no transaction.
  expect(bound()).toEqual([true, undefined]);
});

test("it is acknowledged with the commit as ever", async () => {
  const { client, read, warnings } = fixture();
  await client.enqueue("in", "x");
  await client.transaction(async (tx) => {
    const message = await tx.dequeueWithState("in", soon);
    await (await tx.acquire("total")).save({ text: await message?.payload.text() });
  });
  expect(await read("total")).toEqual({ text: "x" });
  expect(await client.dequeue("in", other)).toBeNull();
  expect(warnings).toEqual([]);
});

test("who names a transaction by itself may ask for it, too", async () => {
  const { client, bound } = fixture();
  await client.enqueue("in", "x");
  const txnId = "0000000000000000000g";
  await client.dequeue("in", { ...other, txnId, txnBound: true });
  expect(bound()).toEqual([true]);
});

describe("a server that knows the contract only", () => {
  test("is asked again without, and the client says so once", async () => {
    const { client, bound, warnings, read } = fixture({ dequeue: strict });
    for (let run = 1; run <= 2; run += 1) {
      await client.enqueue("in", "one");
      await client.enqueue("in", "two");
      await client.transaction(async (tx) => {
        expect(await tx.dequeue("in", soon)).not.toBeNull();
        expect(await tx.dequeue("in", soon)).not.toBeNull();
        await (await tx.acquire("total")).save({ run });
      });
      expect(await read("total")).toEqual({ run });
    }
    expect(bound()).toEqual([true, undefined, undefined, true, undefined, undefined]);
    expect(warnings).toEqual(["client.transaction.unbound"]);
  });

  test("extends every message once more before a commit, however fresh it is", async () => {
    let refuses = false;
    const { client, asked, read } = fixture({
      dequeue: strict,
      extend: () => {
        if (refuses) throw leaseExpired;
        return undefined;
      },
    });
    await client.enqueue("in", "x");
    const work = async (): Promise<void> =>
      client.transaction(async (tx) => {
        await tx.dequeue("in", soon);
        await (await tx.acquire("total")).save({ n: 1 });
        refuses = true;
      });
    await expect(work()).rejects.toMatchObject({ code: "lease_expired" });
    expect(asked.filter(({ verb }) => verb === "extend")).toHaveLength(1);
    expect(await read("total")).toBeNull();
  });

  test("a request that it refuses for another reason is refused", async () => {
    const refused = apiErrorOf("invalid_body", "queue is no text", { status: 400 });
    const { client, bound, warnings } = fixture({
      dequeue: () => {
        throw refused;
      },
    });
    const work = client.transaction(async (tx) => tx.dequeue("in", soon));
    await expect(work).rejects.toBe(refused);
    expect(bound()).toEqual([true, undefined]);
    expect(warnings).toEqual([]);
  });
});

test("a mistake of the caller is told without asking anybody twice", async () => {
  const { client, bound } = fixture();
  const work = client.transaction(async (tx) => tx.dequeue("in", { ...soon, owner: " " }));
  await expect(work).rejects.toBeInstanceOf(LockdConfigError);
  expect(bound()).toEqual([]);
});
