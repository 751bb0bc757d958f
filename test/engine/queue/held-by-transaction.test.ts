/** What a transaction holds is its own: a consumer that comes too late does not decide it. */
import { expect, test } from "vitest";
import { Engine } from "../../../src/engine/engine.ts";
import { silentTelemetry } from "../../../src/engine/ports/telemetry.ts";
import { MemoryBackend, MemoryStore } from "../../../src/storage/memory/memory-store.ts";
import { identityOf } from "../../conformance/queue-story.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { countingRandom } from "../../support/test-engine.ts";

const txnId = "00000000000000000tg0";

/** Two processes on one store. */
function twoEngines() {
  const backend = new MemoryBackend();
  const clock = new ManualClock();
  const engine = () =>
    new Engine({
      ...{ clock, random: countingRandom(), telemetry: silentTelemetry },
      store: new MemoryStore({ backend }),
      ...{ defaultNamespace: "default", jsonBytesMax: 1024 * 1024 },
      ...{ defaultTtlSeconds: 30, maxTtlSeconds: 1800, acquireBlockSeconds: 60 },
    });
  return { clock, one: engine(), other: engine() };
}

async function take(engine: Engine, queue: string, request: object = {}) {
  const [delivery] = await engine.queues.dequeue({
    queue,
    owner: "w",
    waitSeconds: -1,
    ...request,
  });
  if (delivery === undefined) throw new Error(`${queue} has nothing`);
  return delivery;
}

test.each([
  ["of a group", { group: "g" }],
  ["that is outlived meanwhile", { ttlSeconds: 5 }],
])(
  "a message %s, seen before another process took it, stays with its transaction",
  async (_, how) => {
    const { clock, one, other } = twoEngines();
    for (const text of ["first", "second"]) {
      await one.queues.enqueue({ queue: "in", ...how }, Buffer.from(text));
    }
    await one.queues.ack(identityOf(await take(one, "in")));
    expect((await other.queues.stats({ queue: "in" })).available).toBe(true);
    const held = await take(one, "in", { txnId, visibilityTimeoutSeconds: 60 });
    await one.queues.enqueue({ queue: "out", txnId }, Buffer.from("made"));
    if ("ttlSeconds" in how) await clock.advance(10_000);
    await expect(take(other, "in")).rejects.toThrow();
    expect((await one.transactions.explain({ txnId })).state).toBe("pending");
    await one.queues.ack(identityOf(held));
    expect((await take(other, "out")).fencingToken).toBe(1);
    await one.close();
    await other.close();
  },
);
