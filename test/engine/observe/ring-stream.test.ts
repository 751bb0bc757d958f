/** Streams over the ring: slow readers, and no lost commit whatever breaks and falls behind. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChangeEvent, ChangesRequest } from "../../../src/api/observation.ts";
import { checkChanges } from "../../../src/engine/observe/change-filter.ts";
import { ChangeRing } from "../../../src/engine/observe/change-ring.ts";
import { placeOf, recordChanges, seenKey } from "../../../src/engine/observe/record-changes.ts";
import { RingStream } from "../../../src/engine/observe/ring-stream.ts";
import { absentRecord, type KeyRecord, recordName } from "../../../src/engine/record/key-record.ts";
import { encodeRecord } from "../../../src/engine/record/record-codec.ts";
import { SystemClock } from "../../../src/host/clock.ts";
import { MemoryStore } from "../../../src/storage/memory/memory-store.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { testEngine } from "../../support/test-engine.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A store with records in it, and the ring of whoever writes them. */
class World {
  readonly store = new MemoryStore();
  readonly clock = new SystemClock();
  readonly records = new Map<string, KeyRecord>();
  readonly #length: number;
  #lives = 0;
  ring: ChangeRing;

  constructor(length: number) {
    this.#length = length;
    this.ring = this.#newRing();
  }

  #newRing(): ChangeRing {
    this.#lives += 1;
    return new ChangeRing(`life${this.#lives}`, this.#length);
  }

  /** The process is replaced by another one: its ring is gone. */
  restart(): void {
    const old = this.ring;
    this.ring = this.#newRing();
    old.wakeAll();
  }

  async commit(key: string): Promise<void> {
    const name = recordName("default", key);
    const before = this.records.get(name) ?? { ...absentRecord, fencingToken: 1 };
    const version = before.version + 1;
    const state = {
      etag: "a".repeat(64),
      size: 2,
      place: { kind: "inline" as const, bytes: Buffer.from("{}") },
    };
    const after: KeyRecord = { ...before, version, state, updatedAtUnix: 1 };
    const bytes = encodeRecord(after, "0000000000000000000g");
    const { ring } = this;
    await this.store.apply([{ kind: "put", name, bytes, when: { kind: "any" } }]);
    this.records.set(name, after);
    const place = placeOf(name, 1_000);
    for (const change of recordChanges(place, seenKey(before), seenKey(after)))
      ring.publish(change);
  }

  stream(request: ChangesRequest, ended = () => false): AsyncGenerator<ChangeEvent> {
    const { ring, store, clock } = this;
    const filter = checkChanges(request, "default");
    return new RingStream({ ring, store, clock, filter, ended }).events();
  }
}

async function take(stream: AsyncGenerator<ChangeEvent>, count: number): Promise<ChangeEvent[]> {
  const events: ChangeEvent[] = [];
  while (events.length < count) {
    const { value, done } = await stream.next();
    if (done === true) break;
    events.push(value);
  }
  return events;
}

test("a reader that is too slow is told how many passed by, and gets the others", async () => {
  const world = new World(8);
  const stream = world.stream({});
  expect((await take(stream, 1))[0]?.kind).toBe("ready");
  for (let n = 0; n < 20; n += 1) await world.commit(`k${n}`);
  const events = await take(stream, 10);
  expect(events[0]).toMatchObject({ kind: "missed", missed: 12 });
  expect(events[1]?.kind).toBe("ready");
  expect(events.slice(2).map(({ key }) => key)).toEqual([
    "k12",
    "k13",
    "k14",
    "k15",
    "k16",
    "k17",
    "k18",
    "k19",
  ]);
});

test("a reader of keys gets every state again that it may have missed, none twice", async () => {
  const world = new World(4);
  const stream = world.stream({ prefix: "" });
  await take(stream, 1);
  await world.commit("seen");
  expect(await take(stream, 1)).toMatchObject([{ key: "seen", version: 1 }]);
  for (let n = 0; n < 9; n += 1) await world.commit("often");
  const events = await take(stream, 3);
  expect(events).toMatchObject([
    { kind: "missed", missed: 5 },
    { kind: "state_committed", key: "often", version: 9, coalesced: true },
    { kind: "ready" },
  ]);
  // The ring still has versions 6 to 9; they were told with the newest and are passed over.
  const next = take(stream, 1);
  await turn();
  await world.commit("often");
  expect(await next).toMatchObject([{ kind: "state_committed", key: "often", version: 10 }]);
});

test("going on behind an event of the ring repeats and leaves out nothing", async () => {
  const world = new World(16);
  const first = world.stream({});
  await take(first, 1);
  for (const key of ["a", "b", "c"]) await world.commit(key);
  const [a] = await take(first, 1);
  await world.commit("d");
  const second = world.stream({ after: a?.id });
  expect((await take(second, 4)).map(({ kind, key }) => key ?? kind)).toEqual([
    "ready",
    "b",
    "c",
    "d",
  ]);
});

test("an end wakes a reader that waits", async () => {
  const world = new World(4);
  let over = false;
  const stream = world.stream({}, () => over);
  await take(stream, 1);
  const waiting = stream.next();
  over = true;
  world.ring.wakeAll();
  expect((await waiting).done).toBe(true);
});

/** What happens in turn: a commit, a pause, a broken connection, a new process. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("commit"), key: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("breathe"), key: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("break"), key: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart"), key: fc.nat(3) }) },
);

test("no commit is lost: the newest version of every key is told, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.nat(3),
      fc.array(step, { minLength: 1, maxLength: 60 }),
      async (length, slowness, steps) => {
        const world = new World(length);
        const told = new Map<string, number>();
        let generation = 0;
        let over = false;
        const read = async (): Promise<void> => {
          let after: string | undefined;
          while (!over) {
            const mine = generation;
            const stream = world.stream({ prefix: "k", after, fromVersion: 0 }, () => {
              return over || mine !== generation;
            });
            for await (const event of stream) {
              if (mine !== generation) break;
              after = event.id;
              if (event.kind === "state_committed") {
                const before = told.get(event.key ?? "") ?? 0;
                // A look after a break may repeat what was told, never fall behind it.
                expect(event.version).toBeGreaterThanOrEqual(before);
                told.set(event.key ?? "", event.version ?? 0);
              }
              for (let n = 0; n < slowness; n += 1) await turn();
            }
            await turn();
          }
        };
        const reading = read();
        for (const { do: what, key } of steps) {
          if (what === "commit") await world.commit(`k${key}`);
          else if (what === "breathe") await turn();
          else {
            generation += 1;
            if (what === "restart") world.restart();
            else world.ring.wakeAll();
          }
        }
        const newest = [...world.records].map(([name, { version }]) => [name.slice(10), version]);
        for (let patience = 0; patience < 2_000; patience += 1) {
          if (newest.every(([key, version]) => told.get(String(key)) === version)) break;
          await turn();
        }
        over = true;
        world.ring.wakeAll();
        await reading;
        expect(Object.fromEntries(told)).toEqual(Object.fromEntries(newest));
      },
    ),
    { numRuns: 150 },
  );
});

test("messages cannot be watched where others write: nobody sees all of them", async () => {
  const { engine } = testEngine({ store: new ScriptedStore({ exclusive: false }) });
  const refused = { code: "invalid_observation", message: expect.stringContaining("lockd serve") };
  await expect(engine.observation.changes({ queue: "mail" })).rejects.toMatchObject(refused);
  await engine.close();
});
