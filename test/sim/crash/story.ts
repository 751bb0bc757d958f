/**
 * The transaction whose every step is a place to die: two keys, metadata, an attachment that comes
 * and one that goes, and a message that is settled, all under one id.
 */
import type { LeaseAddress } from "../../../src/api/lockd.ts";
import type { Delivery } from "../../../src/api/queues.ts";
import type { Engine } from "../../../src/engine/engine.ts";

export const storyTxnId = "000000000000000000v0";
export const storyKeys = ["a", "b"] as const;
export const storyQueue = "orders";

/** Too long to be kept in a record: it is an object beside it. */
const longBytes = 10_000;
/** Of all its leases. */
export const leaseSeconds = 40;

/** How the story's client ends it. */
export type StoryEnd = "ack" | "release" | "decide" | "rollback" | "nack";

export function isCommit(end: StoryEnd): boolean {
  return end === "ack" || end === "release" || end === "decide";
}

/** What the client of the story knows. */
export interface StoryProgress {
  asked: boolean;
  answered: boolean;
}

function long(text: string): Buffer {
  return Buffer.from(JSON.stringify({ of: text, filler: "x".repeat(longBytes) }));
}

/** What was there before: both keys committed, `a` with an attachment, and one message. */
export async function prepareStory(engine: Engine): Promise<void> {
  for (const key of storyKeys) {
    const lease = { ...(await engine.acquire({ key, owner: "before", ttlSeconds: 20 })), key };
    await engine.update(lease, long(`${key} before`));
    if (key === "a") await engine.attachments.attach({ ...lease, name: "old" }, Buffer.from("old"));
    await engine.release(lease);
  }
  await engine.queues.enqueue({ queue: storyQueue }, long("m"));
}

/** The transaction itself, up to its answer. */
export async function tellStory(
  engine: Engine,
  end: StoryEnd,
  progress: StoryProgress,
): Promise<void> {
  const txnId = storyTxnId;
  const [delivery] = await engine.queues.dequeue({
    queue: storyQueue,
    owner: "teller",
    txnId,
    visibilityTimeoutSeconds: leaseSeconds,
  });
  if (delivery === undefined) throw new Error("no message");
  if (!(delivery.payload instanceof Uint8Array)) await delivery.payload.close();
  const leases: LeaseAddress[] = [];
  for (const key of storyKeys) {
    const asked = { key, owner: "teller", txnId, ttlSeconds: leaseSeconds };
    leases.push({ ...(await engine.acquire(asked)), key });
  }
  const [a, b] = leases;
  if (a === undefined || b === undefined) throw new Error("no leases");
  await engine.update(a, Buffer.from('{"of":"a after"}'));
  await engine.attachments.attach({ ...a, name: "new" }, Buffer.from("new"));
  await engine.attachments.delete({ ...a, name: "old" });
  await engine.update(b, long("b after"));
  await engine.updateMetadata({ ...b, queryHidden: true });
  progress.asked = true;
  await endStory(engine, end, { delivery, lease: a });
  progress.answered = true;
}

async function endStory(
  engine: Engine,
  end: StoryEnd,
  { delivery, lease }: { readonly delivery: Delivery; readonly lease: LeaseAddress },
): Promise<unknown> {
  switch (end) {
    case "ack":
      return engine.queues.ack({ ...delivery });
    case "nack":
      return engine.queues.nack({ ...delivery, intent: "defer" });
    case "release":
      return engine.release(lease);
    case "decide":
      return engine.transactions.decide({ txnId: storyTxnId, state: "commit" });
    default:
      return engine.transactions.decide({ txnId: storyTxnId, state: "rollback" });
  }
}
