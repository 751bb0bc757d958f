import { hostname } from "node:os";
import { LockdError } from "../../api/errors.ts";
import { subscribeIdlePauseMs } from "../limits.ts";
import { pause } from "../pause.ts";
import { type Handled, handleMessage } from "./handle-message.ts";
import type { Message } from "./message.ts";
import type { QueueHost } from "./queue-host.ts";
import type { ConsumerConfig, ConsumerEvent, RestartPolicy } from "./queue-types.ts";
import { isFatal, restartPauseMs, restartPolicy } from "./restart-pauses.ts";
import { messagesOnce, type SubscriptionTerms, subscriptionTerms } from "./subscription.ts";
import { asksAgain, isNotOurs } from "./wait-terms.ts";

/** An `onError` hook said stop, or threw. */
class StoppedByHook extends Error {
  override readonly name = "StoppedByHook";
}

/** A failure that the handler of a manual consumer threw. */
class HandlerFailure extends Error {
  override readonly name = "HandlerFailure";
}

/**
 * One worker of a consumer: subscribes, hands its messages to the handler one at a time, and
 * subscribes again until it is told to stop. Modes: running; stopping, once the signal is aborted
 * (nothing new is taken, the handler under way is awaited); over.
 */
export class Consumer {
  /** Consumers of this process so far: each has an owner of its own. */
  static #count = 0;
  readonly #host: QueueHost;
  readonly #config: ConsumerConfig;
  readonly #signal: AbortSignal;
  readonly #terms: SubscriptionTerms;
  readonly #policy: RestartPolicy;
  readonly #name: string;
  /** Subscriptions so far. */
  #attempt = 0;
  /** Messages of the present subscription. */
  #delivered = 0;

  /** @throws LockdConfigError */
  constructor(host: QueueHost, config: ConsumerConfig, signal: AbortSignal) {
    this.#host = host;
    this.#config = config;
    this.#signal = signal;
    this.#name = config.name ?? config.queue;
    this.#policy = restartPolicy(config.restart);
    const { namespace, withState } = config;
    const owner = config.subscribe?.owner ?? Consumer.#ownerOf(this.#name);
    const options = { ...config.subscribe, namespace, withState, owner, signal };
    this.#terms = subscriptionTerms(host, config.queue, options);
  }

  /** Resolves when it was stopped. @throws the failure that made it give up */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.#signal.aborted) {
      this.#attempt += 1;
      this.#delivered = 0;
      const failure = await this.#subscribeOnce();
      if (this.#signal.aborted) return;
      if (failure === undefined) {
        failures = 0;
        await this.#breathe();
        continue;
      }
      failures =
        this.#delivered > 0 && !(failure.error instanceof HandlerFailure) ? 1 : failures + 1;
      await this.#recover(failures, plain(failure.error));
    }
  }

  /** Undefined after a clean end. */
  async #subscribeOnce(): Promise<{ readonly error: unknown } | undefined> {
    try {
      await this.#config.onStart?.(this.#event());
      try {
        await this.#consume();
      } catch (error) {
        if (!asksAgain(error)) throw error;
      }
      await this.#config.onStop?.(this.#event());
      return undefined;
    } catch (error) {
      if (error instanceof StoppedByHook) throw plain(error);
      return { error };
    }
  }

  async #consume(): Promise<void> {
    for await (const message of messagesOnce(this.#host, this.#terms)) {
      this.#delivered += 1;
      await this.#process(message);
      if (this.#signal.aborted) return;
    }
  }

  async #process(message: Message): Promise<void> {
    const handled = await handleMessage(this.#host, message, {
      signal: this.#signal,
      run: (signal) => this.#withinLimit(this.#runHandler(message, signal)),
    });
    const manual = this.#config.settle === "manual";
    const failure = await this.#settle(message, handled, manual);
    if (failure === undefined) return;
    if (manual && handled.kind === "failed") {
      throw new HandlerFailure("the handler failed", { cause: failure.error });
    }
    // Its own message is all that a handler's failure is about: the stream goes on.
    await this.#report(0, failure.error, 0);
  }

  async #runHandler(message: Message, signal: AbortSignal): Promise<void> {
    const { client, options } = this.#host;
    await this.#config.handler({
      message,
      ...(message.state === undefined ? {} : { state: message.state }),
      client,
      logger: options.logger,
      name: this.#name,
      signal,
      attempt: message.attempts,
    });
  }

  /** Once it is to stop, a handler has closeTimeoutMs to end; then its message is let go of. */
  async #withinLimit(work: Promise<void>): Promise<void> {
    const { clock, closeTimeoutMs } = this.#host.options;
    const over = Promise.withResolvers<void>();
    let timer: { cancel(): void } | undefined;
    const armed = (): void => {
      timer = clock.schedule(closeTimeoutMs, () => {
        over.reject(new Error(`the handler did not end within ${closeTimeoutMs} ms`));
      });
    };
    if (this.#signal.aborted) armed();
    else this.#signal.addEventListener("abort", armed, { once: true });
    work.catch(() => {});
    try {
      await Promise.race([work, over.promise]);
    } finally {
      timer?.cancel();
      this.#signal.removeEventListener("abort", armed);
    }
  }

  /** The failure to be told, if any. */
  async #settle(
    message: Message,
    handled: Handled,
    manual: boolean,
  ): Promise<{ readonly error: unknown } | undefined> {
    const { closeTimeoutMs: timeoutMs, logger } = this.#host.options;
    await message.payload.close();
    const failure = handled.kind === "done" ? undefined : { error: handled.error };
    if (message.settled) return failure;
    const delayMs = this.#terms.onCloseDelayMs;
    try {
      if (handled.kind === "done" && !manual) await message.ack({ timeoutMs });
      else if (handled.kind === "done") await message.nack({ delayMs, timeoutMs });
      else await message.nack({ delayMs, timeoutMs, error: told(handled.error) });
      return failure;
    } catch (error) {
      logger.warn("client.consumer.settle_failed", {
        queue: message.queue,
        messageId: message.messageId,
        error: String(error),
      });
      return failure ?? (manual && isNotOurs(error) ? undefined : { error });
    }
  }

  /** A stream that ends at once without a message must not be asked for in a loop without air. */
  async #breathe(): Promise<void> {
    if (this.#delivered > 0 || (this.#terms.request.waitSeconds ?? 0) >= 0) return;
    await this.#pause(subscribeIdlePauseMs);
  }

  /** @throws when there is to be no further try */
  async #recover(failures: number, error: unknown): Promise<void> {
    const { maxFailures } = this.#policy;
    const last = isFatal(error) || (maxFailures > 0 && failures > maxFailures);
    const pauseMs = last
      ? 0
      : restartPauseMs(this.#policy, this.#host.options.random, { failures, error });
    await this.#report(this.#attempt, error, pauseMs).catch((stopped: unknown) => {
      throw plain(stopped);
    });
    if (last) throw error;
    if (pauseMs > 0) await this.#pause(pauseMs);
  }

  /** @throws StoppedByHook */
  async #report(attempt: number, error: unknown, ...[restartInMs]: [number]): Promise<void> {
    const { onError } = this.#config;
    if (onError === undefined) return;
    try {
      const verdict: unknown = await onError({ ...this.#event(), attempt, error, restartInMs });
      if (verdict instanceof Error) throw verdict;
    } catch (cause) {
      throw new StoppedByHook("onError said stop", { cause });
    }
  }

  async #pause(ms: number): Promise<void> {
    await pause(this.#host.options.clock, ms, this.#signal).catch((error: unknown) => {
      if (!this.#signal.aborted) throw error;
    });
  }

  /** Letters, digits, dots, dashes and underscores; other characters become dashes. */
  static #ownerOf(name: string): string {
    Consumer.#count += 1;
    const tokens = ["consumer", name, hostname(), process.pid, Consumer.#count];
    return tokens.map((token) => String(token).replace(/[^A-Za-z0-9._-]+/g, "-")).join("-");
  }

  #event(): ConsumerEvent {
    const { queue, withState = false } = this.#config;
    return { name: this.#name, queue, withState, attempt: this.#attempt };
  }
}

/** The error itself in place of the wrapper that told where it came from. */
function plain(error: unknown): unknown {
  return error instanceof StoppedByHook || error instanceof HandlerFailure ? error.cause : error;
}

/** What a message remembers of its handler's failure. */
function told(error: unknown): { readonly message: string; readonly code?: string } {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof LockdError ? { message, code: error.code } : { message };
}
