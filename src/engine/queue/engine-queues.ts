/** The queues of one engine: every verb, and what they share. */
import type { BodyIn, LockdCall } from "../../api/lockd.ts";
import type {
  AckRequest,
  AckResult,
  DeadLetterChange,
  DeadLetterContent,
  DeadLetterList,
  DeadLetterListRequest,
  DeadLetterSelection,
  Delivery,
  DeliveryStream,
  DequeueRequest,
  EnqueueRequest,
  EnqueueResult,
  ExtendRequest,
  ExtendResult,
  NackRequest,
  NackResult,
  QueueAddress,
  QueueListRequest,
  QueueListResult,
  QueueStats,
  QueueWatchEvent,
  ServedQueues,
} from "../../api/queues.ts";
import type { EngineParts } from "../engine-parts.ts";
import { LiveLeases } from "../lease/live-leases.ts";
import { messageChange } from "../observe/message-changes.ts";
import type { QueueConsumers } from "../ports/metrics.ts";
import {
  checkAck,
  checkDequeue,
  checkExtend,
  checkNack,
  checkQueue,
  refuseForeignId,
} from "./checked-queue.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Dequeuer, nothingWithin, patienceOf } from "./dequeuer.ts";
import { Enqueuer } from "./enqueuer.ts";
import { ExpiredKeys } from "./expired-keys.ts";
import { Links } from "./links.ts";
import { type Message, messageName, payloadObjects, type QueueId } from "./message.ts";
import { MessageIds } from "./message-ids.ts";
import { MessageParticipants } from "./message-participants.ts";
import { type MessageAt, MessageShell } from "./message-shell.ts";
import { MessageStates } from "./message-states.ts";
import { QueueDirectory } from "./queue-directory.ts";
import { QueueList } from "./queue-list.ts";
import type { QueueParts } from "./queue-parts.ts";
import { queueSettings } from "./queue-settings.ts";
import { QueueSweeper } from "./queue-sweeper.ts";
import { QueueObserver } from "./queue-watch.ts";
import { Settler } from "./settler.ts";
import { Subscription } from "./subscription.ts";
import { Unstager } from "./unstager.ts";

const noCall: LockdCall = {};

export class EngineQueues implements ServedQueues {
  readonly sweeper: QueueSweeper;
  readonly #parts: QueueParts;
  readonly #enqueuer: Enqueuer;
  readonly #dequeuer: Dequeuer;
  readonly #settler: Settler;
  readonly #observer: QueueObserver;
  readonly #letters: DeadLetters;
  readonly #list: QueueList;
  readonly #held = new LiveLeases();
  /** Subscriptions that are open. */
  readonly #streams = new Set<Subscription>();

  constructor(parts: EngineParts) {
    const { options } = parts;
    const { store, clock, random } = options;
    const messages = new MessageShell(options, {
      changed: (at, after) => this.#changed(at, after),
      stepped: (at, step) => parts.publish(() => messageChange(at, step, clock.wallMs())),
      deleted: (_at, gone) => parts.garbage.discard(payloadObjects(gone)),
    });
    const directory = new QueueDirectory({
      store,
      clock,
      random,
      settings: queueSettings(options.queues),
      cleanUp: (target, messageId) => this.#settler.cleanUp({ ...target, messageId }),
      trouble: (target, error) => this.#trouble(target, error),
    });
    const linkPorts = { store, clock, random, messages };
    const links = new Links(linkPorts);
    this.#parts = {
      ...parts,
      messages,
      directory,
      ids: new MessageIds(options),
      links,
      expiredKeys: new ExpiredKeys(options),
      unstager: new Unstager(linkPorts, links),
      states: new MessageStates(parts.shell),
    };
    parts.transactions.addKind(new MessageParticipants(this.#parts));
    this.#enqueuer = new Enqueuer(this.#parts);
    this.#dequeuer = new Dequeuer(this.#parts);
    this.#settler = new Settler(this.#parts);
    this.sweeper = new QueueSweeper(this.#parts, this.#settler);
    this.#observer = new QueueObserver(this.#parts);
    this.#letters = new DeadLetters(this.#parts);
    this.#list = new QueueList(this.#parts);
  }

  enqueue(
    request: EnqueueRequest,
    payload: BodyIn,
    call: LockdCall = noCall,
  ): Promise<EnqueueResult> {
    return this.#enqueuer.enqueue(request, payload, call);
  }

  async dequeue(request: DequeueRequest, call: LockdCall = noCall): Promise<readonly Delivery[]> {
    const checked = checkDequeue(request, this.#namespace);
    const pageSize = checked.withState ? 1 : checked.pageSize;
    await this.#parts.transactions.recovery.messageTraffic();
    return this.#dequeuer.dequeue({ ...checked, pageSize }, call);
  }

  async subscribe(request: DequeueRequest, call: LockdCall = noCall): Promise<DeliveryStream> {
    const checked = checkDequeue(request, this.#namespace);
    this.#parts.refuseWhenDraining();
    await this.#parts.transactions.recovery.messageTraffic();
    return this.#parts.directory.withConsumer(checked, async (queue) => {
      const first = await this.#dequeuer.take(queue, checked, patienceOf(checked, call));
      if (first === undefined) throw nothingWithin(checked);
      const parts = this.#parts;
      const stream: Subscription = new Subscription(
        {
          ...{ parts, dequeuer: this.#dequeuer, request: checked, call },
          closed: () => this.#streams.delete(stream),
        },
        { queue, first },
      );
      this.#streams.add(stream);
      return stream;
    });
  }

  async ack(request: AckRequest, _call?: LockdCall): Promise<AckResult> {
    const checked = checkAck(request, this.#namespace);
    refuseForeignId(checked);
    return this.#settler.ack(checked);
  }

  async nack(request: NackRequest, _call?: LockdCall): Promise<NackResult> {
    const checked = checkNack(request, this.#namespace);
    refuseForeignId(checked);
    return this.#settler.nack(checked);
  }

  async extend(request: ExtendRequest, _call?: LockdCall): Promise<ExtendResult> {
    const checked = checkExtend(request, this.#namespace);
    refuseForeignId(checked);
    return this.#settler.extend(checked);
  }

  async stats(request: QueueAddress, call: LockdCall = noCall): Promise<QueueStats> {
    return this.#observer.stats(checkQueue(request, this.#namespace), call);
  }

  async watch(
    request: QueueAddress,
    call: LockdCall = noCall,
  ): Promise<AsyncIterable<QueueWatchEvent>> {
    return this.#observer.watch(checkQueue(request, this.#namespace), call);
  }

  async list(request: QueueListRequest, _call?: LockdCall): Promise<QueueListResult> {
    return this.#list.list(request);
  }

  async deadLetters(request: DeadLetterListRequest, _call?: LockdCall): Promise<DeadLetterList> {
    return this.#letters.list(request);
  }

  async deadLetter(
    request: QueueAddress & { messageId?: string | undefined },
    _call?: LockdCall,
  ): Promise<DeadLetterContent> {
    return this.#letters.show(request);
  }

  async redrive(request: DeadLetterSelection, _call?: LockdCall): Promise<DeadLetterChange> {
    return this.#letters.redrive(request);
  }

  async purge(request: DeadLetterSelection, _call?: LockdCall): Promise<DeadLetterChange> {
    return this.#letters.purge(request);
  }

  giveBack(delivery: Delivery): Promise<void> {
    return this.#dequeuer.giveBack(delivery);
  }

  /** Another process wrote something somewhere. */
  storeChanged(): void {
    this.#parts.directory.storeChanged();
  }

  /** Ends every wait, stream and watch; settling goes on. */
  drain(error: () => Error): void {
    for (const stream of this.#streams) stream.end();
    this.#parts.directory.failAll(error);
    this.#observer.drain();
  }

  /** The consumers served here: all of them, and those that wait, by queue. */
  consumers(): QueueConsumers {
    const { directory } = this.#parts;
    return { total: directory.consumers, queues: directory.waiting() };
  }

  /** Deliveries made here that still are in their consumers' hands. */
  liveLeases(nowUnix: number): number {
    return this.#held.count(nowUnix);
  }

  /** Ends what goes on in the background; resolves when it has. */
  async close(): Promise<void> {
    this.#parts.directory.close();
    await this.#parts.expiredKeys.stop();
  }

  get #namespace(): string {
    return this.#parts.options.defaultNamespace;
  }

  #changed(at: MessageAt, after: Message | undefined): void {
    this.#held.note(messageName(at, at.messageId), after?.lease);
    this.#parts.directory.changed(at, after);
  }

  #trouble({ namespace, queue }: QueueId, error: unknown): void {
    this.#parts.options.telemetry.warn("queue.dispatcher.core", "queue.look_failed", {
      namespace,
      queue,
      error: String(error),
    });
  }
}
