import { LockdApiError, MessageSettledError } from "../../api/errors.ts";
import type { Delivery, ExtendResult, MessageAddress } from "../../api/queues.ts";
import { callOptions } from "../call-options.ts";
import type { CarrierCall } from "../carrier-call.ts";
import { ReadOnceBody } from "../once-body.ts";
import { SerialQueue } from "../serial-queue.ts";
import { isOutcomeUnknown } from "../session-core.ts";
import type { Call } from "../types.ts";
import type { QueueHost } from "./queue-host.ts";
import { QueueState } from "./queue-state.ts";
import type { QueueMessage } from "./queue-types.ts";
import { isNotOurs, secondsOf } from "./wait-terms.ts";

type Settling = "ack" | "nack" | "defer";

/** Something that extends a message's lease by itself and must rest while others change it. */
export interface Extender {
  start(): void;
  /** Resolves when no extension is under way any more. */
  stop(): Promise<void>;
}

export interface MessageParts {
  readonly delivery: Delivery;
  readonly endpoint: string;
  readonly onCloseDelayMs: number | undefined;
}

/** One delivery in the hands of a consumer (client-sdk.md 10.2). Its calls run one at a time. */
export class Message implements QueueMessage {
  readonly payload: ReadOnceBody;
  readonly state?: QueueState;
  readonly txnId?: string;
  readonly correlationId?: string;
  /** Extends the lease in the background; set by whoever runs a handler. */
  extender: Extender | undefined;
  readonly #host: QueueHost;
  readonly #parts: MessageParts;
  readonly #calls = new SerialQueue();
  #metaEtag: string;
  #visibilitySeconds: number;
  #leaseExpiresAtUnix: number;
  #settled: Settling | undefined;
  #outcomeUnknown = false;
  #closing: Promise<void> | undefined;

  constructor(host: QueueHost, parts: MessageParts) {
    this.#host = host;
    this.#parts = parts;
    const { delivery, endpoint } = parts;
    this.#metaEtag = delivery.metaEtag;
    this.#visibilitySeconds = delivery.visibilityTimeoutSeconds;
    this.#leaseExpiresAtUnix = delivery.leaseExpiresAtUnix;
    this.payload = new ReadOnceBody(delivery.payload, delivery.payloadBytes);
    if (delivery.txnId !== "") this.txnId = delivery.txnId;
    if (delivery.correlationId !== "") this.correlationId = delivery.correlationId;
    const { state } = delivery;
    if (state !== undefined) this.state = new QueueState(host, { delivery, state, endpoint });
  }

  get namespace(): string {
    return this.#parts.delivery.namespace;
  }

  get queue(): string {
    return this.#parts.delivery.queue;
  }

  get messageId(): string {
    return this.#parts.delivery.messageId;
  }

  get attempts(): number {
    return this.#parts.delivery.attempts;
  }

  get maxAttempts(): number {
    return this.#parts.delivery.maxAttempts;
  }

  get failureAttempts(): number {
    return this.#parts.delivery.failureAttempts;
  }

  get attributes(): Record<string, unknown> {
    return this.#parts.delivery.attributes;
  }

  get contentType(): string {
    return this.#parts.delivery.payloadContentType;
  }

  get payloadBytes(): number {
    return this.#parts.delivery.payloadBytes;
  }

  get leaseId(): string {
    return this.#parts.delivery.leaseId;
  }

  get fencingToken(): number {
    return this.#parts.delivery.fencingToken;
  }

  get metaEtag(): string {
    return this.#metaEtag;
  }

  get visibilityMs(): number {
    return this.#visibilitySeconds * 1_000;
  }

  get leaseExpiresAt(): Date {
    return new Date(this.#leaseExpiresAtUnix * 1_000);
  }

  get notVisibleUntil(): Date {
    return this.leaseExpiresAt;
  }

  get settled(): boolean {
    return this.#settled !== undefined;
  }

  /** A repeated ack that finds nothing was successful the first time (http-queue.md 17.1). */
  ack(o?: Call): Promise<void> {
    return this.#settle("ack", o, async (call) => {
      const stateEtag = this.#parts.delivery.state?.etag || undefined;
      try {
        await this.#host.lockd.queues.ack({ ...this.address(), stateEtag }, call);
      } catch (error) {
        if (!(error instanceof LockdApiError) || error.code !== "not_found") throw error;
        if (!error.outcomeUnknown && !this.#outcomeUnknown) throw error;
      }
    });
  }

  nack(o?: Call<{ delayMs?: number | undefined; error?: unknown }>): Promise<void> {
    const { delayMs, error: lastError } = callOptions(o);
    return this.#settle("nack", o, async (call) => {
      const delaySeconds = secondsOf("delayMs", delayMs);
      const request = { ...this.address(), delaySeconds, lastError };
      await this.#host.lockd.queues.nack(request, call);
    });
  }

  defer(o?: Call<{ delayMs?: number | undefined }>): Promise<void> {
    const { delayMs } = callOptions(o);
    return this.#settle("defer", o, async (call) => {
      const delaySeconds = secondsOf("delayMs", delayMs);
      const request = { ...this.address(), delaySeconds, intent: "defer" };
      await this.#host.lockd.queues.nack(request, call);
    });
  }

  async extend(o?: Call<{ byMs?: number | undefined }>): Promise<Date> {
    return await this.#withoutExtender(() => this.extendNow(o));
  }

  /** As extend, for the extender itself. */
  extendNow(o?: Call<{ byMs?: number | undefined }>): Promise<Date> {
    const { byMs, signal } = callOptions(o);
    return this.#calls.run(async () => {
      this.#assertUnsettled("extend");
      const extendBySeconds = secondsOf("byMs", byMs);
      const request = { ...this.address(), extendBySeconds };
      this.adopt(await this.#host.lockd.queues.extend(request, this.#carrierCall(o)));
      return this.leaseExpiresAt;
    }, signal);
  }

  /** Takes over what an extension answered; members that are missing say nothing. */
  adopt(result: ExtendResult): void {
    if (result.metaEtag !== "") this.#metaEtag = result.metaEtag;
    if (result.visibilityTimeoutSeconds > 0) {
      this.#visibilitySeconds = result.visibilityTimeoutSeconds;
    }
    if (result.leaseExpiresAtUnix > 0) this.#leaseExpiresAtUnix = result.leaseExpiresAtUnix;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Who may settle it. */
  address(): MessageAddress {
    const { namespace, queue, messageId, leaseId, fencingToken, txnId, state } =
      this.#parts.delivery;
    return {
      ...{ namespace, queue, messageId, leaseId, fencingToken, metaEtag: this.#metaEtag },
      txnId: txnId === "" ? undefined : txnId,
      stateLeaseId: state?.leaseId,
      stateFencingToken: this.state?.fencingToken,
    };
  }

  async #close(): Promise<void> {
    await this.payload.close();
    if (this.#settled !== undefined) return;
    const { onCloseDelayMs: delayMs } = this.#parts;
    try {
      await this.nack({ delayMs, timeoutMs: this.#host.options.closeTimeoutMs });
    } catch (error) {
      // Settled meanwhile, or not ours any more: there is nothing left to give back.
      if (!(error instanceof MessageSettledError) && !isNotOurs(error)) throw error;
    }
  }

  async #settle(
    how: Settling,
    o: Call<object> | undefined,
    ...[work]: [(call: CarrierCall) => Promise<void>]
  ): Promise<void> {
    await this.#withoutExtender(() =>
      this.#calls.run(async () => {
        if (this.#settled === how) return;
        this.#assertUnsettled(how);
        try {
          await work(this.#carrierCall(o));
        } catch (error) {
          this.#outcomeUnknown ||= isOutcomeUnknown(error);
          throw error;
        }
        this.#settled = how;
        this.state?.end();
      }, callOptions(o).signal),
    );
  }

  /** No extension crosses the call; it goes on when the message is still in hand afterwards. */
  async #withoutExtender<T>(work: () => Promise<T>): Promise<T> {
    await this.extender?.stop();
    try {
      return await work();
    } finally {
      if (this.#settled === undefined) this.extender?.start();
    }
  }

  #carrierCall(o: Call<object> | undefined): CarrierCall {
    const { endpoint } = this.#parts;
    const call = this.#host.carrierCall(o);
    return {
      ...call,
      correlationId: callOptions(o).correlationId ?? this.correlationId,
      ...(endpoint === "" ? {} : { preferEndpoint: endpoint }),
    };
  }

  #assertUnsettled(what: string): void {
    if (this.#settled === undefined) return;
    const message = `message ${this.messageId} was settled (${this.#settled}) before ${what}`;
    throw new MessageSettledError("message_settled", message, { operation: what });
  }
}
