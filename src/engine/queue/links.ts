/**
 * Ordered groups and dedupe keys (docs/decisions/0007-queues.md).
 *
 * A group is a chain: every message of it names the one enqueued before, and may be delivered once
 * that one is gone. The group's record knows the last one; a new message is hung up behind it by
 * compare-and-swap. Because ids are never used again, "is gone" stays true for ever, and so every
 * server decides alike without asking the others.
 *
 * Where plans are atomic, message, chain and key are one write. Elsewhere the message is written
 * first, marked `unlinked` and not deliverable, then hung up, then entered under its key, then
 * unmarked. A producer that dies in between has not been answered; whoever meets the message can
 * tell how far it came: it is hung up when the group's record or a successor names it.
 */
import { failure, type LockdError } from "../../api/errors.ts";
import { linkAttemptsMax, unknownOutcomeReadDelayMs } from "../limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { Step, Store, VersionTag } from "../ports/store.ts";
import { SerialTurns } from "../serial-turns.ts";
import { callStore } from "../store-failure.ts";
import { type DedupeRecord, type GroupRecord, groupName } from "./link-records.ts";
import { LinkStore, type Read } from "./link-store.ts";
import { type Message, messageName, type QueueId } from "./message.ts";
import { encodeMessage } from "./message-codec.ts";
import { keep, type MessageDecision, put } from "./message-decision.ts";
import type { MessageAt, MessageShell } from "./message-shell.ts";
import { appeared, isStagedBy } from "./staged.ts";

export type Enqueued =
  | {
      readonly kind: "new";
      readonly message: Message;
      readonly etag: string;
      readonly tag: VersionTag | undefined;
    }
  | { readonly kind: "duplicate"; readonly of: DedupeRecord };

/** What the keepers of links need. */
export interface LinkPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly messages: MessageShell;
}

export class Links {
  readonly #ports: LinkPorts;
  readonly #records: LinkStore;
  /** Members of one group are hung up one after the other; together they would only collide. */
  readonly #turns = new SerialTurns();

  constructor(ports: LinkPorts) {
    this.#ports = ports;
    this.#records = new LinkStore(ports);
  }

  /**
   * Makes a message with a group or a dedupe key durable.
   * @throws cas_mismatch, store errors; with outcomeUnknown when it may exist
   */
  enqueue(at: MessageAt, message: Message): Promise<Enqueued> {
    return this.inTurn(at, message.group, () =>
      this.#ports.store.capabilities.atomicPlan
        ? this.#enqueueAtOnce(at, message)
        : this.#enqueueInSteps(at, message),
    );
  }

  /** Runs what adds a member to a group when those before it are through; at once without one. */
  inTurn<Answer>(
    at: QueueId,
    group: string | undefined,
    run: () => Promise<Answer>,
  ): Promise<Answer> {
    return group === undefined ? run() : this.#turns.run(groupName(at, group), run);
  }

  /** What a dedupe key stands for now. @throws store errors */
  async holderOf(target: QueueId, key: string): Promise<DedupeRecord | undefined> {
    const at: MessageAt = { ...target, messageId: "" };
    const held = await this.#records.dedupe(at, { dedupe: { key, untilMs: 0 } });
    if (!this.#records.standsForOther(held, at)) return undefined;
    // Whoever made it may have died before its last step.
    if (!this.#ports.store.capabilities.atomicPlan) {
      await this.#unmark({ ...target, messageId: held.link.messageId });
    }
    return held.link;
  }

  /** Sees to it that a group's last message has appeared, before another one is put behind it. */
  async completeLast(target: QueueId, last: GroupRecord | undefined): Promise<void> {
    const { tail, appearing } = last ?? {};
    if (tail === undefined || appearing === undefined) return;
    await this.#ports.messages.transact<undefined>({ ...target, messageId: tail }, (current) =>
      current !== undefined && isStagedBy(current.message, appearing.txnId)
        ? put<undefined>(appeared(current.message, appearing.decidedAtMs), () => undefined)
        : keep(undefined),
    );
  }

  /**
   * What stands in the way of delivering a message, as far as its links say: nothing, another
   * message of its group, or that it is not (or never will be) completely enqueued.
   */
  async gate(at: MessageAt, message: Message): Promise<Gate> {
    if (message.unlinked) {
      const resolved = await this.#resolve(at, message, false);
      if (resolved.kind !== "open") return resolved;
    }
    const { previous } = message;
    if (previous === undefined) return { kind: "open" };
    const before: MessageAt = { ...at, messageId: previous };
    const stored = await this.#ports.messages.look(before);
    if (stored === undefined) return { kind: "open" };
    // That a successor names it proves that it was hung up; if it still is marked, that is over.
    if (stored.message.unlinked) await this.#resolve(before, stored.message, true);
    return { kind: "behind", messageId: previous };
  }

  async #enqueueAtOnce(at: MessageAt, message: Message): Promise<Enqueued> {
    const { store, random } = this.#ports;
    const name = messageName(at, at.messageId);
    let base: VersionTag | undefined;
    let isOpen = false;
    const ifOpen = (error: unknown): never => {
      throw isOpen ? this.#gaveUp(at, true, error) : error;
    };
    for (let attempt = 0; attempt < linkAttemptsMax; attempt += 1) {
      const key = await this.#records.dedupe(at, message).catch(ifOpen);
      if (this.#records.standsForOther(key, at)) return { kind: "duplicate", of: key.link };
      const group = await this.#records.group(at, message).catch(ifOpen);
      const landed = key.link?.messageId === at.messageId || group.link?.tail === at.messageId;
      if (landed) return this.#landed(at, message).catch(ifOpen);
      // Somebody came after a write of unknown outcome: whether it landed first nobody can say.
      if (isOpen && message.dedupe === undefined && group.tag !== base) break;
      base = group.tag;
      await this.completeLast(at, group.link).catch(ifOpen);
      const etag = random.xid();
      const next: Message = { ...message, previous: group.link?.tail };
      const steps: Step[] = [
        { kind: "put", name, bytes: encodeMessage(next, etag), when: { kind: "absent" } },
        ...this.#records.dedupeStep(at, next, key.tag),
        ...this.#records.groupStep(at, next, { tag: group.tag }),
      ];
      const result = await callStore(() => store.apply(steps)).catch(ifOpen);
      if (result.kind === "applied") {
        return { kind: "new", message: next, etag, tag: result.tags[0] };
      }
      if (result.kind === "unknown") {
        isOpen = true;
        await this.#pause(attempt);
      }
    }
    throw this.#gaveUp(at, isOpen);
  }

  async #landed(at: MessageAt, message: Message): Promise<Enqueued> {
    const stored = await this.#ports.messages.look(at);
    return {
      kind: "new",
      message: stored?.message ?? message,
      etag: stored?.etag ?? "",
      tag: undefined,
    };
  }

  async #enqueueInSteps(at: MessageAt, message: Message): Promise<Enqueued> {
    const { store, random, messages } = this.#ports;
    const group = await this.#records.group(at, message);
    const marked: Message = { ...message, unlinked: true, previous: group.link?.tail };
    const name = messageName(at, at.messageId);
    const bytes = encodeMessage(marked, random.xid());
    const step: Step = { kind: "put", name, bytes, when: { kind: "absent" } };
    for (let attempt = 0; ; attempt += 1) {
      const result = await callStore(() => store.apply([step]));
      if (result.kind === "applied") break;
      const isOpen = result.kind === "unknown";
      const isThere = await messages.look(at).catch((error: unknown) => {
        throw this.#gaveUp(at, isOpen, error);
      });
      if (isThere !== undefined) break;
      if (isOpen || attempt >= linkAttemptsMax) throw this.#gaveUp(at, isOpen);
    }
    try {
      return await this.#linkUp(at, message, group);
    } catch (error) {
      // It is there, and somebody may yet finish what was left undone.
      throw this.#gaveUp(at, true, error);
    }
  }

  /** The steps after the first: hung up, entered under its key, unmarked. */
  async #linkUp(at: MessageAt, message: Message, group: Read<GroupRecord>): Promise<Enqueued> {
    if (message.group !== undefined) await this.#hangUp(at, message, group);
    const other = await this.#enterKey(at, message);
    if (other !== undefined) {
      // Whoever made the other one may have died before its last step.
      await this.#unmark({ ...at, messageId: other.messageId });
      return { kind: "duplicate", of: other };
    }
    const linked = await this.#unmark(at);
    // Gone, or withdrawn because it took a day: its producer must not be told that it is there.
    if (linked === undefined || linked.expiresAtMs !== message.expiresAtMs) {
      throw this.#gaveUp(at, true);
    }
    return { kind: "new", message: linked, etag: "", tag: undefined };
  }

  /** Makes the group's record name the message, which names the tail that was replaced. */
  async #hangUp(at: MessageAt, message: Message, first: Read<GroupRecord>): Promise<void> {
    const { store, messages } = this.#ports;
    let group = first;
    let isOpen = false;
    for (let attempt = 0; attempt < linkAttemptsMax; attempt += 1) {
      await this.completeLast(at, group.link);
      const step = this.#records.groupStep(at, message, { tag: group.tag });
      const result = await callStore(() => store.apply(step));
      if (result.kind === "applied") return;
      if (result.kind === "unknown") {
        isOpen = true;
        await this.#pause(attempt);
      }
      const base = group.tag;
      group = await this.#records.group(at, message);
      if (group.link?.tail === at.messageId) return;
      if (group.tag === base) continue;
      if (isOpen) break;
      const tail = group.link?.tail;
      await messages.transact(at, (current) =>
        current === undefined
          ? keep(undefined)
          : put<undefined>({ ...current.message, previous: tail }, () => undefined),
      );
    }
    throw this.#gaveUp(at, isOpen);
  }

  /** Enters the message under its key; the record of another one that has it already. */
  async #enterKey(at: MessageAt, message: Message): Promise<DedupeRecord | undefined> {
    const { store, messages } = this.#ports;
    if (message.dedupe === undefined) return undefined;
    for (let attempt = 0; attempt < linkAttemptsMax; attempt += 1) {
      const key = await this.#records.dedupe(at, message);
      if (key.link?.messageId === at.messageId) return undefined;
      if (this.#records.standsForOther(key, at)) {
        await messages.transact(at, (current) => withdrawn(current?.message));
        return key.link;
      }
      const result = await callStore(() =>
        store.apply(this.#records.dedupeStep(at, message, key.tag)),
      );
      if (result.kind === "applied") return undefined;
      if (result.kind === "unknown") await this.#pause(attempt);
    }
    throw this.#gaveUp(at, true);
  }

  #unmark(at: MessageAt): Promise<Message | undefined> {
    return this.#ports.messages.transact<Message | undefined>(at, (current) => {
      if (current?.message.unlinked !== true) return keep(current?.message);
      const next: Message = { ...current.message, unlinked: false };
      return put<Message | undefined>(next, () => next);
    });
  }

  /** Withdraws a message that was never completely enqueued and never will be. */
  async abandon(at: MessageAt): Promise<void> {
    await this.#ports.messages.transact(at, (current) => withdrawn(current?.message));
  }

  /**
   * Nobody is to be given a member that was just hung up, unless somebody has been. It is due now,
   * so that it does not hold up its group until then.
   */
  async retract(at: MessageAt): Promise<void> {
    await this.#ports.messages.transact<undefined>(at, (current, nowMs) => {
      if (current === undefined || current.message.attempts > 0) return keep(undefined);
      const notVisibleUntilMs = Math.min(current.message.notVisibleUntilMs, nowMs);
      const next = { ...current.message, expiresAtMs: longAgoMs, notVisibleUntilMs };
      return put<undefined>(next, () => undefined);
    });
  }

  /** Finishes what a producer left, or finds out that it can not be finished yet. */
  async #resolve(at: MessageAt, message: Message, isHungUp: boolean): Promise<Gate> {
    const key = await this.#records.dedupe(at, message);
    const isNamed = key.link?.messageId === at.messageId;
    if (message.group !== undefined && !isHungUp && !isNamed) {
      // A key is entered after hanging up, so it would prove that as well.
      const group = await this.#records.group(at, message);
      if (group.link?.tail !== at.messageId) return { kind: "unfinished" };
    }
    // After its window the key may stand for another one already; this one was never answered.
    const { dedupe } = message;
    const nowMs = this.#ports.clock.wallMs();
    const isTooLate = dedupe !== undefined && !isNamed && dedupe.untilMs <= nowMs;
    if (isTooLate) await this.abandon(at);
    const isSecond = isTooLate || (await this.#enterKey(at, message)) !== undefined;
    if (isSecond) return { kind: message.group === undefined ? "gone" : "open" };
    if (isHungUp) await this.#unmark(at);
    return { kind: "open" };
  }

  #pause(attempt: number): Promise<void> {
    return new Promise((resolve) => {
      this.#ports.clock.schedule(unknownOutcomeReadDelayMs * Math.min(attempt + 1, 8), resolve);
    });
  }

  #gaveUp(at: MessageAt, isOpen: boolean, cause?: unknown): LockdError {
    const name = `${at.namespace}/${at.queue} message ${at.messageId}`;
    return isOpen
      ? failure("store_unavailable", `${name}: the outcome of a write could not be found out`, {
          outcomeUnknown: true,
          cause,
        })
      : failure("cas_mismatch", `${name}: other producers won ${linkAttemptsMax} times in a row`);
  }
}

/** Past on every clock: whoever looks at a withdrawn message sees that it is outlived. */
const longAgoMs = 1;

/**
 * A message that was not completely enqueued goes away. One that hangs in a group's chain stays
 * until its turn, outlived, because it is what its successor waits for.
 */
function withdrawn(current: Message | undefined): MessageDecision<undefined> {
  if (current?.unlinked !== true) return keep(undefined);
  if (current.group === undefined) return { kind: "delete", gone: current, answer: undefined };
  return put<undefined>({ ...current, unlinked: false, expiresAtMs: longAgoMs }, () => undefined);
}

export type Gate =
  | { readonly kind: "open" }
  /** Another message of its group comes first. */
  | { readonly kind: "behind"; readonly messageId: string }
  /** Its producer is still at it, or died at it. */
  | { readonly kind: "unfinished" }
  /** It was the second one with its key and is deleted. */
  | { readonly kind: "gone" };
