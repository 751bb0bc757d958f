/**
 * Seeded subscribers: they open a stream at one node, work on what arrives through any, stop
 * working for longer than their leases last, and go away in the middle.
 */
import type { DeliveryStream, ServedQueues } from "../../../src/api/queues.ts";
import type { SimNode } from "../node.ts";
import { type SeenDelivery, seen } from "./delivery.ts";
import type { QueueCall } from "./wire.ts";
import { type ClientParts, Worker } from "./worker.ts";

/** A stream as the node that serves it knows it, once it is closed there. */
export interface ClosedStream {
  readonly node: SimNode;
  /** The life of the node in which it was closed. */
  readonly life: number;
  /** Of this stream and of no other. */
  readonly owner: string;
  /** Leases of the deliveries that left the node. */
  readonly handed: ReadonlySet<string>;
}

export interface SubscriberParts extends ClientParts {
  readonly closed: (stream: ClosedStream) => void;
}

interface Session {
  readonly node: SimNode;
  readonly queue: string;
  readonly ask: {
    readonly pageSize: number;
    readonly waitSeconds: number;
    readonly visibilityTimeoutSeconds: number;
  };
  readonly arrived: SeenDelivery[];
}

/** Milliseconds between two looks at what has arrived. */
const lookMs = 40;

export class Subscriber {
  readonly #parts: SubscriberParts;
  readonly #worker: Worker;
  #streams = 0;

  constructor(parts: SubscriberParts) {
    this.#parts = parts;
    this.#worker = new Worker(parts);
  }

  async run(): Promise<void> {
    const { scenario, scheduler, rng, nodes } = this.#parts;
    while (this.#worker.calls < scenario.callsEach) {
      await scheduler.sleep(rng.between(0, scenario.pauseMs * 2));
      const ask = {
        pageSize: rng.pick([1, 2, 3, 6]),
        waitSeconds: rng.pick([-1, 1, 3, 0]),
        visibilityTimeoutSeconds: rng.pick([3, 5, 10, 20]),
      };
      const queue = `q${rng.below(scenario.queues)}`;
      await this.#session({ node: rng.pick(nodes), queue, ask, arrived: [] });
    }
  }

  async #session(session: Session): Promise<void> {
    const { rng, scheduler } = this.#parts;
    let isOver = false;
    // A stream has no end of its own: this is when its client goes away.
    const patienceMs = rng.between(500, 20_000);
    const about = { queue: session.queue, ...session.ask };
    const run: QueueCall["run"] = (queues, signal) => this.#serve(session, queues, signal);
    void this.#worker.call(session.node, { verb: "subscribe", about, run }, patienceMs).then(() => {
      isOver = true;
    });
    const leavesRest = rng.chance(0.5);
    while (!isOver || (session.arrived.length > 0 && !leavesRest)) {
      const delivery = session.arrived.shift();
      if (delivery === undefined) await scheduler.sleep(lookMs);
      else if (rng.chance(0.05)) await scheduler.sleep(rng.between(2_000, 15_000));
      else await this.#worker.work(delivery);
    }
  }

  /** The stream at its node: each delivery is an operation of its own. */
  async #serve(session: Session, queues: ServedQueues, signal: AbortSignal): Promise<unknown> {
    const { name } = this.#parts;
    const { node, queue, ask } = session;
    const { life } = node.process;
    this.#streams += 1;
    const owner = `${name}.s${this.#streams}`;
    const handed = new Set<string>();
    const stream = await queues.subscribe({ queue, owner, ...ask }, { signal });
    try {
      await this.#pump(session, { owner, stream, handed });
    } finally {
      await stream.close();
      this.#parts.closed({ node, life, owner, handed });
    }
    return handed.size;
  }

  async #pump(
    { node, queue, ask, arrived }: Session,
    from: { owner: string; stream: DeliveryStream; handed: Set<string> },
  ): Promise<void> {
    const { wire } = this.#parts;
    const { owner } = from;
    const about = { queue, owner, window: ask.pageSize };
    const deliveries = from.stream[Symbol.asyncIterator]();
    for (;;) {
      const operation = wire.begin(node.name, { verb: "dequeue", about });
      const next = await deliveries.next();
      if (next.done === true) {
        wire.end(operation, { kind: "failed", code: "end of stream", unknown: false });
        return;
      }
      const delivery = await seen(next.value);
      from.handed.add(delivery.leaseId);
      wire.end(operation, { kind: "ok", answer: [delivery] });
      wire.push(node, () => arrived.push(delivery));
      await this.#written(node);
    }
  }

  /** Its client reads slowly now and then; what the stream leased ahead waits as long. */
  async #written({ process }: SimNode): Promise<void> {
    const { rng, scheduler } = this.#parts;
    if (!rng.chance(0.3)) return;
    const { life } = process;
    await new Promise<void>((resolve) => {
      scheduler.after(rng.between(10, 4_000), () => process.deliver(life, resolve));
    });
  }
}
