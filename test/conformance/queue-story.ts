/** What the cases of queues have in common. */
import { randomBytes } from "node:crypto";
import type {
  AckRequest,
  Delivery,
  DequeueRequest,
  EnqueueRequest,
  EnqueueResult,
} from "../../src/api/queues.ts";
import { bytesOf, expect, type Story } from "./lockd-suite.ts";

export function freshQueue(): string {
  return `q-${randomBytes(6).toString("hex")}`;
}

/** Waits until `read` says so; the cases run side by side, where vitest's own polling cannot. */
export async function becomes<T>(read: () => T | Promise<T>, wanted: T): Promise<void> {
  const until = performance.now() + 15_000;
  let found = await read();
  while (found !== wanted && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    found = await read();
  }
  expect(found).toBe(wanted);
}

/** A delivery as ack, nack and extend want it, the state's lease included. */
export function identityOf(delivery: Delivery): AckRequest & { metaEtag: string } {
  const { namespace, queue, messageId, leaseId, fencingToken, txnId, metaEtag, state } = delivery;
  return {
    namespace,
    queue,
    messageId,
    leaseId,
    fencingToken,
    txnId,
    metaEtag,
    ...(state === undefined
      ? {}
      : { stateLeaseId: state.leaseId, stateFencingToken: state.fencingToken }),
  };
}

export async function textOf(delivery: Delivery): Promise<string> {
  return (await bytesOf(delivery.payload)).toString();
}

/** One queue of its own, and the verbs as the cases use them. */
export class QueueStory {
  readonly queue = freshQueue();
  readonly #story: Story;

  constructor(story: Story) {
    this.#story = story;
  }

  get queues(): Story["lockd"]["queues"] {
    return this.#story.lockd.queues;
  }

  put(text = "", request: EnqueueRequest = {}): Promise<EnqueueResult> {
    return this.queues.enqueue({ queue: this.queue, ...request }, Buffer.from(text));
  }

  page(request: DequeueRequest = {}): Promise<readonly Delivery[]> {
    return this.queues.dequeue({ queue: this.queue, owner: "w", waitSeconds: -1, ...request });
  }

  /** One delivery; waits 10 s for it if need be. */
  async take(request: DequeueRequest = {}): Promise<Delivery> {
    const [delivery] = await this.page({ waitSeconds: 10, ...request });
    if (delivery === undefined) throw new Error("a page was empty");
    return delivery;
  }

  async expectEmpty(): Promise<void> {
    await expect(this.page()).rejects.toMatchObject({ code: "waiting" });
  }

  async ack(delivery: Delivery): Promise<void> {
    await this.queues.ack(identityOf(delivery));
  }
}
