/** The ready set against a list that is sorted anew each time. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MessageFacts } from "../../../src/engine/queue/message-codec.ts";
import { ReadySet } from "../../../src/engine/queue/ready-set.ts";

/** Message ids in an order that is not that of their numbers. */
function idOf(number: number): string {
  const scattered = ((number * 7919) % 97).toString(16).padStart(12, "0");
  return `00000000-0000-7000-8000-${scattered}`;
}

const plain: MessageFacts = {
  dueMs: 0,
  expiresMs: 0,
  priority: 0,
  leased: false,
  exhausted: false,
  staged: false,
  group: undefined,
};

/** What a queue of ungrouped messages is: everything known, and which are being delivered. */
class Model {
  readonly facts = new Map<string, MessageFacts>();
  readonly taken = new Set<string>();

  ready(nowMs: number): readonly string[] {
    return [...this.facts]
      .filter(([id, { dueMs }]) => dueMs <= nowMs && !this.taken.has(id))
      .sort(
        ([idA, a], [idB, b]) =>
          b.priority - a.priority || a.dueMs - b.dueMs || (idA < idB ? -1 : 1),
      )
      .map(([id]) => id);
  }
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant("set" as const),
    number: fc.nat(30),
    dueMs: fc.nat(100),
    priority: fc.integer({ min: -2, max: 2 }),
    leased: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("remove" as const), number: fc.nat(30) }),
  fc.record({ kind: fc.constant("take" as const) }),
  fc.record({ kind: fc.constant("putBack" as const), number: fc.nat(30), dueMs: fc.nat(120) }),
  fc.record({ kind: fc.constant("advance" as const), byMs: fc.nat(20) }),
);

describe("ready set", () => {
  test("agrees with a sorted list, whatever happens", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const set = new ReadySet();
        const model = new Model();
        let nowMs = 0;
        for (const one of steps) {
          if (one.kind === "set") {
            const { dueMs, priority, leased } = one;
            const facts = { ...plain, dueMs, priority, leased };
            set.set(idOf(one.number), facts, { nowMs, seen: 1 });
            model.facts.set(idOf(one.number), facts);
            model.taken.delete(idOf(one.number));
          } else if (one.kind === "remove") {
            set.remove(idOf(one.number), nowMs);
            model.facts.delete(idOf(one.number));
            model.taken.delete(idOf(one.number));
          } else if (one.kind === "take") {
            const [expected] = model.ready(nowMs);
            expect(set.take()).toBe(expected);
            if (expected !== undefined) model.taken.add(expected);
          } else if (one.kind === "putBack") {
            const id = idOf(one.number);
            set.putBack(id, one.dueMs, nowMs);
            const known = model.facts.get(id);
            if (known !== undefined && model.taken.delete(id)) {
              const dueMs = Math.max(known.dueMs, one.dueMs);
              model.facts.set(id, { ...known, dueMs, leased: false });
            }
          } else {
            nowMs += one.byMs;
            set.advance(nowMs);
          }
          const ready = model.ready(nowMs);
          expect(set.peek()).toBe(ready[0]);
          const held = [...model.facts].filter(
            ([id, { dueMs, leased }]) => !model.taken.has(id) && leased && dueMs > nowMs,
          );
          const inFlight = held.length + model.taken.size;
          const delayed = model.facts.size - ready.length - inFlight;
          expect(set.counts()).toEqual({ ready: ready.length, inFlight, delayed });
          expect(set.size).toBe(model.facts.size);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("of a group only the oldest takes part, until it is gone", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 40 }), (numbers) => {
        const set = new ReadySet();
        const ids = [...new Set(numbers.map(idOf))];
        for (const id of ids) set.set(id, { ...plain, group: "g" }, { nowMs: 0, seen: 1 });
        for (const id of [...ids].sort()) {
          expect(set.counts().ready).toBe(1);
          expect(set.take()).toBe(id);
          expect(set.take()).toBeUndefined();
          set.set(id, { ...plain, group: "g", leased: true, dueMs: 50 }, { nowMs: 0, seen: 1 });
          expect(set.take()).toBeUndefined();
          set.remove(id, 0);
        }
        expect(set.size).toBe(0);
      }),
    );
  });

  test("an older member that appears late waits for the one in flight", () => {
    const set = new ReadySet();
    const [older, younger] = [idOf(1), idOf(2)].sort();
    if (older === undefined || younger === undefined) throw new Error("two ids");
    const group = { ...plain, group: "g" };
    set.set(younger, { ...group, leased: true, dueMs: 10 }, { nowMs: 0, seen: 1 });
    set.set(older, group, { nowMs: 0, seen: 1 });
    expect(set.take()).toBeUndefined();
    set.advance(10);
    expect(set.take()).toBe(older);
  });

  test("a member gives way to the one its chain names; what is set aside holds up nobody", () => {
    const set = new ReadySet();
    const ids = [idOf(1), idOf(2), idOf(3)].sort();
    for (const id of ids) set.set(id, { ...plain, group: "g" }, { nowMs: 0, seen: 1 });
    const [first = "", second = "", third = ""] = ids;
    expect(set.take()).toBe(first);
    expect(set.giveWay(first, third, 0)).toBe(true);
    expect(set.take()).toBe(third);
    set.setAside(third, 100, 0);
    expect(set.take()).toBe(first);
    set.remove(first, 0);
    expect(set.take()).toBe(second);
    set.remove(second, 0);
    expect(set.take()).toBeUndefined();
    set.advance(100);
    expect(set.take()).toBe(third);
  });

  test("what is held back is left alone by looks, and what they miss is forgotten", () => {
    const set = new ReadySet();
    for (const number of [1, 2, 3]) set.set(idOf(number), plain, { nowMs: 0, seen: 1 });
    const first = set.take() ?? "";
    set.holdBack(first, 100, 0);
    expect(set.isSpokenFor(first, 50)).toBe(true);
    expect(set.isSpokenFor(first, 100)).toBe(false);
    set.markSeen(first, 2);
    set.forgetUnseen(2, { lastId: undefined, nowMs: 0 });
    expect(set.size).toBe(1);
    expect(set.nextChangeMs()).toBe(100);
  });

  test("a hundred thousand messages come out in order", () => {
    const set = new ReadySet();
    const count = 100_000;
    for (let at = 0; at < count; at += 1) {
      const id = `00000000-0000-7000-8000-${((at * 7919) % count).toString(16).padStart(12, "0")}`;
      set.set(id, plain, { nowMs: 0, seen: 1 });
    }
    let last = "";
    let inOrder = true;
    for (let at = 0; at < count; at += 1) {
      const id = set.take() ?? "";
      inOrder &&= id > last;
      last = id;
      set.remove(id, 0);
    }
    expect(inOrder).toBe(true);
    expect(set.size).toBe(0);
  });
});
