import { LockdConfigError } from "../../api/errors.ts";
import { callOptions } from "../call-options.ts";
import type { Call, LockdClient } from "../types.ts";
import { Consumer } from "./consumer.ts";
import { QueueCalls } from "./queue-calls.ts";
import type { QueueHost } from "./queue-host.ts";
import type { ConsumerConfig, ConsumerGroup } from "./queue-types.ts";

/**
 * Starts consumers that run until they are stopped (client-sdk.md section 11).
 *
 * @example
 *   await using group = startConsumers(client, [
 *     { queue: "jobs", workers: 4, handler: ({ message }) => work(message) },
 *   ]);
 *   await group.done;
 * @throws LockdConfigError when nothing, or something impossible, is to be consumed
 */
export function startConsumers(
  client: LockdClient,
  configs: readonly ConsumerConfig[],
  o?: Call<object>,
): ConsumerGroup {
  if (!(client instanceof QueueCalls)) {
    throw new LockdConfigError("invalid_option", "startConsumers needs a client of this library");
  }
  return new RunningConsumers(client.queueHost, configs, callOptions(o).signal);
}

/** As {@link startConsumers}; resolves when all have stopped. */
export async function runConsumers(
  client: LockdClient,
  configs: readonly ConsumerConfig[],
  o?: Call<object>,
): Promise<void> {
  await startConsumers(client, configs, o).done;
}

/** Modes: running; stopping, from the first stop or failure on; over, when `done` is settled. */
class RunningConsumers implements ConsumerGroup {
  readonly done: Promise<void>;
  readonly #abort = new AbortController();

  constructor(
    host: QueueHost,
    configs: readonly ConsumerConfig[],
    signal: AbortSignal | undefined,
  ) {
    const consumers = checked(configs).flatMap((config) =>
      Array.from({ length: config.workers ?? 1 }, () => {
        return new Consumer(host, config, this.#abort.signal);
      }),
    );
    const stop = (): void => this.#abort.abort(signal?.reason ?? new Error("consumers stopped"));
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop, { once: true });
    const forget = host.atClose(() => this.stop());
    this.done = this.#run(consumers).finally(() => {
      forget();
      signal?.removeEventListener("abort", stop);
    });
    // Whoever only stops the group need not look at `done`.
    this.done.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error("consumers stopped"));
    await this.done.catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** The first that gives up stops the others, and is what is told. */
  async #run(consumers: readonly Consumer[]): Promise<void> {
    let first: { readonly error: unknown } | undefined;
    await Promise.all(
      consumers.map(async (consumer) => {
        try {
          await consumer.run();
        } catch (error) {
          first ??= { error };
          this.#abort.abort(error);
        }
      }),
    );
    if (first !== undefined) throw first.error;
  }
}

function checked(configs: readonly ConsumerConfig[]): readonly ConsumerConfig[] {
  const wrong = (message: string) => new LockdConfigError("invalid_option", message);
  if (configs.length === 0) throw wrong("name at least one queue to consume");
  for (const { queue, handler, workers = 1 } of configs) {
    if (typeof queue !== "string" || queue.trim() === "") throw wrong("a consumer needs a queue");
    if (typeof handler !== "function") throw wrong(`the consumer of "${queue}" needs a handler`);
    if (!Number.isInteger(workers) || workers < 1) {
      throw wrong(`the consumer of "${queue}" needs 1 or more workers`);
    }
  }
  return configs;
}
