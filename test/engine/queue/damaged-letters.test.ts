/** A dead letter that cannot be read hides no other, and nothing overwrites it. */
import { describe, expect, test } from "vitest";
import { identityOf } from "../../conformance/queue-story.ts";
import { testEngine } from "../../support/test-engine.ts";

const queue = "jobs";

/** Three dead letters, of which the second is damaged. */
async function world(damage: (bytes: Buffer) => Uint8Array) {
  const { engine, store } = testEngine();
  const ids: string[] = [];
  for (let at = 0; at < 3; at += 1) {
    await engine.queues.enqueue({ queue, maxAttempts: 1 }, Buffer.from(`text ${at}`));
    const [delivery] = await engine.queues.dequeue({ queue, owner: "w", waitSeconds: -1 });
    if (delivery === undefined) throw new Error("nothing there");
    await engine.queues.nack(identityOf(delivery));
    ids.push(delivery.messageId);
  }
  const [first = "", second = "", third = ""] = ids;
  const name = `x/default/${queue}/${second}`;
  const stored = store.objects.get(name);
  if (stored === undefined) throw new Error("not stored");
  const bytes = damage(Buffer.from(stored.bytes));
  store.objects.set(name, { ...stored, bytes });
  return { queues: engine.queues, store, first, second, third, name, bytes };
}

const cutOff = (bytes: Buffer): Uint8Array => bytes.subarray(0, -1);

const damages: Readonly<Record<string, (bytes: Buffer) => Uint8Array>> = {
  "cut off": cutOff,
  empty: () => Buffer.alloc(0),
  "one bit": (bytes) => {
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 2) ^ 4, bytes.length - 2);
    return bytes;
  },
  "another's": () => Buffer.from("not a message of lockd, and long enough to be one"),
  "of a newer lockd": (bytes) => {
    bytes.writeUInt8(9, 2);
    return bytes;
  },
};

describe.each(Object.keys(damages))("%s", (name) => {
  test("the others are listed, and it is named", async () => {
    const { queues, first, second, third } = await world(damages[name] ?? cutOff);
    const { letters, damaged, cursor } = await queues.deadLetters({ queue });
    expect(letters.map(({ messageId }) => messageId)).toEqual([first, third]);
    expect(damaged).toEqual([{ messageId: second, detail: expect.stringContaining(second) }]);
    expect(cursor).toBeUndefined();
  });

  test("by itself it is told to be damaged, and stays", async () => {
    const { queues, store, second, name: stored, bytes } = await world(damages[name] ?? cutOff);
    const one = { queue, messageId: second };
    for (const call of [queues.deadLetter(one), queues.redrive(one), queues.purge(one)]) {
      await expect(call).rejects.toMatchObject({ code: "store_corrupt" });
    }
    expect(store.objects.get(stored)?.bytes).toBe(bytes);
  });
});

test("a page may end at it, and the next one goes on behind it", async () => {
  const { queues, first, second, third } = await world(cutOff);
  const one = await queues.deadLetters({ queue, limit: 2 });
  expect(one.letters.map(({ messageId }) => messageId)).toEqual([first]);
  expect([one.damaged.length, one.cursor]).toEqual([1, second]);
  const two = await queues.deadLetters({ queue, limit: 2, cursor: one.cursor });
  expect(two.letters.map(({ messageId }) => messageId)).toEqual([third]);
  expect([two.damaged.length, two.cursor]).toEqual([0, undefined]);
});

test.each(["redrive", "purge"] as const)("%s of all leaves it alone, and says so", async (verb) => {
  const { queues, store, second, name, bytes } = await world(cutOff);
  expect(await queues[verb]({ queue, all: true })).toEqual({
    changed: 2,
    damaged: [{ messageId: second, detail: expect.stringContaining(second) }],
    more: false,
    cursor: undefined,
  });
  expect(store.objects.get(name)?.bytes).toBe(bytes);
  expect((await queues.deadLetters({ queue })).damaged).toHaveLength(1);
});
