/**
 * What must be true of every run (reliability.md P08), checked on what the nodes executed and what
 * the store holds in the end. Each rule is independent of clocks unless it says otherwise.
 */
import { epochMs } from "../sim-clock.ts";
import type { Violation } from "../violation.ts";
import type { SeenDelivery } from "./clients.ts";
import { isUncertain, type QueueOperation } from "./wire.ts";

export interface FinalState {
  /** Message ids among the dead letters, and still in the queues. */
  readonly dead: ReadonlySet<string>;
  readonly left: ReadonlySet<string>;
}

interface Enqueued {
  readonly messageId: string;
  readonly duplicate: boolean;
}

interface Handed extends SeenDelivery {
  readonly operation: QueueOperation;
}

type Report = (property: string, key: string, text: string) => void;

function textOf(operation: QueueOperation, name: string): string | undefined {
  const value = operation.about[name];
  return typeof value === "string" ? value : undefined;
}

export class QueueChecks {
  readonly #operations: readonly QueueOperation[];
  readonly #violations: Violation[] = [];
  readonly #clockFaults: boolean;
  /** By message id: acknowledged enqueues, deliveries, and calls that tried to settle it. */
  readonly #enqueues = new Map<string, QueueOperation[]>();
  readonly #handed = new Map<string, Handed[]>();
  readonly #settles = new Map<string, QueueOperation[]>();

  constructor(operations: readonly QueueOperation[], clockFaults: boolean) {
    this.#operations = operations;
    this.#clockFaults = clockFaults;
    for (const operation of operations) this.#sort(operation);
  }

  run(final: FinalState): readonly Violation[] {
    for (const operation of this.#operations) {
      if (operation.outcome?.kind !== "broken") continue;
      this.#report("P15 errors", operation.verb, operation.outcome.what);
    }
    this.#nothingLost(final);
    this.#payloads();
    for (const [messageId, handed] of this.#handed) {
      this.#tokens(messageId, handed);
      this.#afterAck(messageId, handed);
      this.#fence(messageId, handed);
    }
    this.#dedupe();
    this.#oneOfAKey();
    this.#groups(final);
    return this.#violations;
  }

  #report: Report = (property, key, text) => {
    this.#violations.push({ property, key, text, atMs: 0 });
  };

  #sort(operation: QueueOperation): void {
    const { verb, outcome } = operation;
    if (verb === "enqueue" && outcome?.kind === "ok") {
      add(this.#enqueues, (outcome.answer as Enqueued).messageId, operation);
    }
    if (verb === "dequeue" && outcome?.kind === "ok") {
      for (const delivery of outcome.answer as readonly SeenDelivery[]) {
        add(this.#handed, delivery.messageId, { ...delivery, operation });
      }
    }
    const messageId = textOf(operation, "messageId");
    if (messageId !== undefined) add(this.#settles, messageId, operation);
  }

  /** Every acknowledged enqueue was settled by an ack, is dead, or is still there. */
  #nothingLost({ dead, left }: FinalState): void {
    for (const messageId of this.#enqueues.keys()) {
      if (dead.has(messageId) || left.has(messageId)) continue;
      if (this.#maybeAcked(messageId, Number.POSITIVE_INFINITY)) continue;
      this.#report("P08 lost", messageId, "acknowledged, never acked, and gone");
    }
  }

  #maybeAcked(messageId: string, before: number): boolean {
    const settles = this.#settles.get(messageId) ?? [];
    return settles.some(
      ({ verb, outcome, invokedAt }) =>
        verb === "ack" && invokedAt < before && (outcome?.kind === "ok" || isUncertain(outcome)),
    );
  }

  /** A message is what its producer made it. */
  #payloads(): void {
    for (const [messageId, operations] of this.#enqueues) {
      const first = operations.find(
        ({ outcome }) => outcome?.kind === "ok" && !(outcome.answer as Enqueued).duplicate,
      );
      if (first === undefined) continue;
      for (const { payload } of this.#handed.get(messageId) ?? []) {
        if (payload === textOf(first, "payload")) continue;
        this.#report("P08 payload", messageId, `delivered with the payload of ${payload}`);
      }
    }
  }

  #tokens(messageId: string, handed: readonly Handed[]): void {
    const leases = new Map<number, string>();
    for (const { fencingToken, leaseId } of handed) {
      const known = leases.get(fencingToken);
      if (known !== undefined && known !== leaseId) {
        this.#report("P02 tokens", messageId, `token ${fencingToken} was handed out twice`);
      }
      leases.set(fencingToken, leaseId);
    }
  }

  /** After an acknowledged ack nobody gets the message, and no later token was ever given. */
  #afterAck(messageId: string, handed: readonly Handed[]): void {
    for (const ack of this.#settles.get(messageId) ?? []) {
      if (ack.verb !== "ack" || ack.outcome?.kind !== "ok") continue;
      const token = Number(ack.about.fencingToken);
      for (const { fencingToken, operation } of handed) {
        // Where clocks are wrong another server may take a lease for over that still runs here, and
        // settle the message while the outcome of this ack is being found out.
        const isNewer = fencingToken > token && !this.#clockFaults;
        const later = isNewer || operation.invokedAt > ack.answeredAt;
        if (!later) continue;
        this.#report("P08 ack", messageId, `delivered (op ${operation.id}) after ack ${ack.id}`);
      }
    }
  }

  /** Nobody settles with an old token once a newer delivery was answered. */
  #fence(messageId: string, handed: readonly Handed[]): void {
    for (const settle of this.#settles.get(messageId) ?? []) {
      if (settle.outcome?.kind !== "ok") continue;
      const token = Number(settle.about.fencingToken);
      const overtaken = handed.find(
        ({ fencingToken, operation }) =>
          fencingToken > token && operation.answeredAt < settle.invokedAt,
      );
      if (overtaken === undefined) continue;
      const { fencingToken } = overtaken;
      const text = `${settle.verb} ${settle.id} with token ${token} after ${fencingToken}`;
      this.#report("P01 fence", messageId, text);
    }
  }

  #dedupe(): void {
    const first = new Map<string, string>();
    for (const [messageId, operations] of this.#enqueues) {
      for (const operation of operations) {
        const key = textOf(operation, "dedupeKey");
        if (key === undefined || operation.outcome?.kind !== "ok") continue;
        const name = `${textOf(operation, "queue")}/${key}`;
        const known = first.get(name);
        if (known === undefined) first.set(name, messageId);
        else if (known !== messageId) {
          this.#report("P09 dedupe", name, `stands for ${known} and ${messageId}`);
        }
      }
    }
  }

  /** Whoever was answered or not: of the messages with one key only one is ever handed out. */
  #oneOfAKey(): void {
    const keys = new Map<string, string>();
    for (const operation of this.#operations) {
      const key = textOf(operation, "dedupeKey");
      if (key === undefined) continue;
      keys.set(textOf(operation, "payload") ?? "", `${textOf(operation, "queue")}/${key}`);
    }
    const handed = new Map<string, string>();
    for (const [messageId, [delivery]] of this.#handed) {
      const key = keys.get(delivery?.payload ?? "");
      if (key === undefined) continue;
      const known = handed.get(key);
      if (known === undefined) handed.set(key, messageId);
      else this.#report("P09 dedupe", key, `delivered as ${known} and as ${messageId}`);
    }
  }

  #groups(final: FinalState): void {
    const members = new Map<string, string[]>();
    for (const [messageId, [operation]] of this.#enqueues) {
      const group = operation === undefined ? undefined : textOf(operation, "group");
      if (operation === undefined || group === undefined) continue;
      // A duplicate's producer may have named another group than the first message has.
      const outcome = operation.outcome;
      if (outcome?.kind === "ok" && (outcome.answer as Enqueued).duplicate) continue;
      add(members, `${textOf(operation, "queue")}/${group}`, messageId);
    }
    for (const [group, ids] of members) {
      for (const later of ids) {
        for (const earlier of ids) {
          if (later === earlier) continue;
          this.#order({ group, earlier, later }, final);
          if (!this.#clockFaults) this.#oneInFlight(group, earlier, later);
        }
      }
    }
  }

  /** Enqueued before means settled before the other is delivered. */
  #order(
    { group, earlier, later }: { group: string; earlier: string; later: string },
    final: FinalState,
  ): void {
    const before = this.#enqueues.get(earlier)?.[0];
    const after = this.#enqueues.get(later)?.[0];
    if (before === undefined || after === undefined) return;
    if (!(before.answeredAt < after.invokedAt)) return;
    for (const { operation } of this.#handed.get(later) ?? []) {
      if (this.#maybeAcked(earlier, operation.answeredAt)) continue;
      if (final.dead.has(earlier) && this.#maybeDead(earlier, operation.answeredAt)) continue;
      const text = `${later} was delivered (op ${operation.id}) before ${earlier} was settled`;
      this.#report("P08 group order", group, text);
      return;
    }
  }

  #maybeDead(messageId: string, before: number): boolean {
    const settles = this.#settles.get(messageId) ?? [];
    return settles.some(({ verb, invokedAt }) => verb === "nack" && invokedAt < before);
  }

  /** While one is certainly in its consumer's hands no other one of its group is handed out. */
  #oneInFlight(group: string, one: string, other: string): void {
    for (const held of this.#handed.get(one) ?? []) {
      const from = held.operation.answeredAt;
      const ended = (this.#settles.get(one) ?? [])
        .filter(({ about, verb }) => about.leaseId === held.leaseId && verb !== "extend")
        .map(({ invokedAt }) => invokedAt);
      const until = Math.min(Number.POSITIVE_INFINITY, ...ended);
      const shortened = (this.#settles.get(one) ?? []).some(
        ({ about, verb }) => about.leaseId === held.leaseId && verb === "extend",
      );
      if (shortened) continue;
      for (const { operation } of this.#handed.get(other) ?? []) {
        const inside = operation.invokedAt > from && operation.answeredAt < until;
        const alive = operation.answeredMs < held.leaseExpiresAtUnix * 1000 - epochMs;
        if (!inside || !alive) continue;
        const holder = `${one} (op ${held.operation.id})`;
        const text = `${other} (op ${operation.id}) while ${holder} was held`;
        this.#report("P08 group in flight", group, text);
        return;
      }
    }
  }
}

function add<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}
