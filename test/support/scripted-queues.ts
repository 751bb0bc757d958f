/** Queues whose verbs are written by the test; what is not written is refused. */

import type { ServedLockd } from "../../src/api/lockd.ts";
import type { Delivery, DeliveryStream, ServedQueues } from "../../src/api/queues.ts";
import { Engine } from "../../src/engine/engine.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { SystemClock } from "../../src/host/clock.ts";
import { systemRandom } from "../../src/host/random.ts";
import { type RunningServer, startServer } from "../../src/server/server.ts";
import { MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { disabledQueues } from "./disabled-queues.ts";

/** A delivery of one message; `over` changes what matters to the test. */
export function delivery(over: Partial<Delivery> = {}): Delivery {
  const payload = over.payload ?? Buffer.from("hello");
  return {
    namespace: "default",
    queue: "q",
    messageId: "018f0000-0000-7000-8000-000000000001",
    attempts: 1,
    maxAttempts: 5,
    failureAttempts: 0,
    notVisibleUntilUnix: 1_700_000_030,
    visibilityTimeoutSeconds: 30,
    attributes: {},
    payloadContentType: "application/octet-stream",
    payloadBytes: payload instanceof Uint8Array ? payload.length : 0,
    correlationId: "cid-1",
    leaseId: "9m4e2mr0ui3e8a215n4g",
    leaseExpiresAtUnix: 1_700_000_030,
    fencingToken: 1,
    txnId: "9m4e2mr0ui3e8a215n50",
    metaEtag: "e1",
    state: undefined,
    payload,
    ...over,
  };
}

/** A payload of `bytes` zeros in pieces; `onClose` is told when it is let go of. */
export function longPayload(
  bytes: number,
  options: { readonly pieceBytes?: number; readonly onClose?: () => void } = {},
): Delivery["payload"] {
  const { pieceBytes = 64 * 1024, onClose } = options;
  return {
    async *[Symbol.asyncIterator]() {
      const piece = Buffer.alloc(pieceBytes);
      for (let left = bytes; left > 0; left -= pieceBytes) {
        yield piece.subarray(0, Math.min(left, pieceBytes));
      }
    },
    close: async () => onClose?.(),
  };
}

/** A stream that is fed by hand. */
export class FedStream implements DeliveryStream {
  readonly #waiting: Delivery[] = [];
  #wake: (() => void) | undefined;
  #over: { readonly failure?: unknown } | undefined;
  /** Deliveries somebody took. */
  taken = 0;
  closed = false;

  feed(...deliveries: Delivery[]): this {
    this.#waiting.push(...deliveries);
    this.#wake?.();
    return this;
  }

  end(failure?: unknown): this {
    this.#over ??= failure === undefined ? {} : { failure };
    this.#wake?.();
    return this;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.taken += 1;
        yield next;
      } else if (this.#over?.failure !== undefined) {
        throw this.#over.failure;
      } else if (this.#over !== undefined) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

export interface ScriptedQueueServer {
  readonly url: string;
  /** Replaces verbs; those of the start stay otherwise. */
  script(verbs: Partial<ServedQueues>): void;
  readonly server: RunningServer;
  stop(): Promise<void>;
}

/** A real server over an engine whose queues are scripted. */
export async function startScriptedQueues(
  verbs: Partial<ServedQueues> = {},
  options: { readonly bodyIdleTimeoutMs?: number } = {},
): Promise<ScriptedQueueServer> {
  const queues: ServedQueues = { ...disabledQueues, giveBack: async () => {}, ...verbs };
  const clock = new SystemClock();
  const random = systemRandom();
  const engine = new Engine({
    store: new MemoryStore(),
    clock,
    random,
    telemetry: silentTelemetry,
    defaultNamespace: "default",
    jsonBytesMax: 100 * 1024 * 1024,
    defaultTtlSeconds: 30,
    maxTtlSeconds: 1_800,
    acquireBlockSeconds: 60,
  });
  const server = await startServer({
    lockd: withQueues(engine, queues),
    clock,
    random,
    telemetry: silentTelemetry,
    listeners: [{ proto: "tcp", host: "127.0.0.1", port: 0 }],
    drainGraceMs: 0,
    shutdownTimeoutMs: 500,
    bodyIdleTimeoutMs: options.bodyIdleTimeoutMs ?? 0,
    onBug: (error) => {
      throw error;
    },
  });
  return {
    url: server.endpoints[0] ?? "",
    server,
    script: (more) => void Object.assign(queues, more),
    async stop() {
      await server.stop();
      await engine.close();
    },
  };
}

/** The engine's verbs are methods on private fields: they must see the engine itself. */
function withQueues(engine: ServedLockd, queues: ServedQueues): ServedLockd {
  return new Proxy(engine, {
    get(target, name) {
      if (name === "queues") return queues;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
