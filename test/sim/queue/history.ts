/** The operations of a run, found by what they were about. */
import type { SeenDelivery } from "./delivery.ts";
import { isUncertain, type QueueOperation } from "./wire.ts";

export interface Enqueued {
  readonly messageId: string;
  readonly duplicate: boolean;
}

export interface Handed extends SeenDelivery {
  readonly operation: QueueOperation;
}

export function textOf(operation: QueueOperation, name: string): string | undefined {
  const value = operation.about[name];
  return typeof value === "string" ? value : undefined;
}

export function numberOf(operation: QueueOperation, name: string): number | undefined {
  const value = operation.about[name];
  return typeof value === "number" ? value : undefined;
}

export function add<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

const settling = new Set(["ack", "nack", "extend"]);
const changing = new Set(["redrive", "purge"]);

export class QueueHistory {
  readonly operations: readonly QueueOperation[];
  /** By message id: acknowledged enqueues, deliveries, and calls that tried to settle it. */
  readonly enqueues = new Map<string, QueueOperation[]>();
  readonly handed = new Map<string, Handed[]>();
  readonly settles = new Map<string, QueueOperation[]>();
  /** Every call that enqueued it, answered or not, by payload. */
  readonly asked = new Map<string, QueueOperation[]>();
  /** Redrives and purges. */
  readonly changes: QueueOperation[] = [];

  constructor(operations: readonly QueueOperation[]) {
    this.operations = operations;
    for (const operation of operations) this.#sort(operation);
  }

  #sort(operation: QueueOperation): void {
    const { verb, outcome } = operation;
    if (verb === "enqueue") {
      add(this.asked, textOf(operation, "payload") ?? "", operation);
      if (outcome?.kind !== "ok") return;
      add(this.enqueues, (outcome.answer as Enqueued).messageId, operation);
    }
    if (verb === "dequeue" && outcome?.kind === "ok") {
      for (const delivery of outcome.answer as readonly SeenDelivery[]) {
        add(this.handed, delivery.messageId, { ...delivery, operation });
      }
    }
    const messageId = textOf(operation, "messageId");
    if (settling.has(verb) && messageId !== undefined) add(this.settles, messageId, operation);
    if (changing.has(verb)) this.changes.push(operation);
  }

  /** The call that made the message, as far as somebody was told. */
  made(messageId: string): QueueOperation | undefined {
    return this.enqueues
      .get(messageId)
      ?.find(({ outcome }) => outcome?.kind === "ok" && !(outcome.answer as Enqueued).duplicate);
  }

  maybeAcked(messageId: string, before: number): boolean {
    const settles = this.settles.get(messageId) ?? [];
    return settles.some(
      ({ verb, outcome, invokedAt }) =>
        verb === "ack" && invokedAt < before && (outcome?.kind === "ok" || isUncertain(outcome)),
    );
  }

  /** Redrives or purges that may have changed this dead letter, of all or of it alone. */
  changesOf(verb: "redrive" | "purge", letter: { readonly queue: string; readonly id: string }) {
    return this.changes.filter((operation) => {
      const letterId = textOf(operation, "letterId");
      if (operation.verb !== verb || textOf(operation, "queue") !== letter.queue) return false;
      return letterId === undefined || letterId === letter.id;
    });
  }
}
