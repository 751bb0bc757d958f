/**
 * Background tidying of queues, never needed for correctness (http-queue.md section 15.2): outlived
 * and dead messages nobody asks for, dedupe keys whose window is over, groups without members, and
 * payloads and states whose message is gone.
 *
 * The race it must not lose: an enqueue that has written its payload and not yet its record. So a
 * piece without a message is deleted only when it was seen so twice, a day apart.
 */
import { messageKeyOf } from "../../api/message-keys.ts";
import { orphanCandidatesMax, queueOrphanAgeMs, sweepPageSize } from "../limits.ts";
import type { Monotonic } from "../ports/clock.ts";
import type { NamedObject, PageOptions } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import { sparing } from "../sweep/sparing.ts";
import type { SweepBudget, SweepSummary } from "../sweep/sweeper.ts";
import { type DedupeRecord, decodeLink, type GroupRecord, isForgettable } from "./link-records.ts";
import {
  deadLetterName,
  dedupePrefix,
  groupPrefix,
  messageName,
  messagePrefix,
  partsOfName,
  payloadPrefix,
  type StoredMessage,
  stateOwnerOf,
} from "./message.ts";
import { decodeMessage, readFacts } from "./message-codec.ts";
import { keep } from "./message-decision.ts";
import { timeOfMessageId } from "./message-ids.ts";
import type { MessageAt } from "./message-shell.ts";
import type { QueueParts } from "./queue-parts.ts";
import type { Settler } from "./settler.ts";

const phases = [messagePrefix, dedupePrefix, groupPrefix, payloadPrefix] as const;

interface Run {
  looked: number;
  deleted: number;
  readonly budget: SweepBudget;
}

export class QueueSweeper {
  readonly #parts: QueueParts;
  readonly #settler: Settler;
  /** Pieces without a message, and when they were first seen so. */
  readonly #candidates = new Map<string, Monotonic>();
  #phase = 0;
  #cursor: string | undefined;

  constructor(parts: QueueParts, settler: Settler) {
    this.#parts = parts;
    this.#settler = settler;
  }

  /** Goes on where the last run stopped, within the budget. */
  async sweep(budget: SweepBudget): Promise<SweepSummary> {
    const run: Run = { looked: 0, deleted: 0, budget };
    let complete = false;
    while (!complete && !this.#spent(run)) complete = await this.#page(run);
    return { looked: run.looked, expiredCleared: 0, orphansDeleted: run.deleted, complete };
  }

  /** A key's record that may be the state of a message that is gone. */
  async sweepState(recordName: string): Promise<void> {
    const at = stateOwnerOf(recordName);
    if (at === undefined) return;
    if (!(await this.#isOrphan(recordName, at))) return;
    await this.#parts.states.erase(at);
    this.#candidates.delete(recordName);
  }

  #spent({ looked, budget }: Run): boolean {
    return looked >= budget.opsMax || budget.signal?.aborted === true;
  }

  /** One page; true when the last phase is done. */
  async #page(run: Run): Promise<boolean> {
    const prefix = phases[this.#phase] ?? payloadPrefix;
    const limit = Math.min(sweepPageSize, run.budget.opsMax - run.looked);
    const options = { after: this.#cursor, limit };
    const next =
      prefix === payloadPrefix
        ? await this.#payloads(run, options)
        : await this.#records(run, prefix, options);
    this.#cursor = next;
    if (next !== undefined) return false;
    this.#phase = (this.#phase + 1) % phases.length;
    return this.#phase === 0;
  }

  async #records(run: Run, prefix: string, options: PageOptions): Promise<string | undefined> {
    const page = await callStore(() => this.#parts.options.store.scan(prefix, options));
    for (const object of page.objects) {
      if (run.budget.signal?.aborted === true) return options.after;
      run.looked += 1;
      await sparing(this.#parts.options.telemetry, object.name, async () => {
        if (prefix === messagePrefix) await this.#message(object, run);
        else if (prefix === dedupePrefix) await this.#dedupe(object, run);
        else await this.#group(object, run);
      });
    }
    return page.more ? page.objects.at(-1)?.name : undefined;
  }

  async #message({ name, bytes }: NamedObject, run: Run): Promise<void> {
    const parts = partsOfName(name);
    if (parts === undefined) return;
    const at: MessageAt = { ...parts.target, messageId: parts.rest };
    const facts = readFacts(name, bytes);
    if (facts.staged) return this.#staged(at, decodeMessage(name, bytes), run);
    const nowMs = this.#parts.options.clock.wallMs();
    const outlived = facts.expiresMs > 0 && facts.expiresMs <= nowMs;
    if ((outlived || facts.exhausted) && facts.dueMs <= nowMs) {
      const gate = await this.#settler.cleanUp(at);
      if (gate?.kind !== "unfinished") return;
    }
    if (!this.#isOld(at.messageId, nowMs)) return;
    const { message } = decodeMessage(name, bytes);
    if (!message.unlinked) return;
    // Half enqueued a day ago: its producer is not at it any more, and was never answered.
    const gate = await this.#parts.links.gate(at, message);
    if (gate.kind === "unfinished") await this.#parts.links.abandon(at);
  }

  /**
   * A message that waits for a decision which will never reach it: its producer died before its
   * transaction knew of it, or after that was rolled back. While it still may be enlisted it stays.
   * One that a commit could not reach until its deadline appears now.
   */
  async #staged(at: MessageAt, { message, etag }: StoredMessage, run: Run): Promise<void> {
    const { txnId } = message.staged ?? { txnId: "" };
    const name = messageName(at, at.messageId);
    const { joining } = this.#parts.transactions;
    const place = { namespace: at.namespace, key: messageKeyOf(at) };
    const membership = await joining.membership(txnId, place);
    if (membership.kind === "member" || membership.kind === "missed commit") {
      this.#candidates.delete(name);
      if (membership.kind === "member") return;
      return this.#parts.unstager.appear(at, { txnId, decidedAtMs: membership.decidedAtMs });
    }
    if (membership.kind !== "rolled back" && !this.#wasSeenLongAgo(name)) return;
    this.#candidates.delete(name);
    const isGone = await this.#parts.messages.transact<boolean>(at, (current) =>
      current?.etag === etag
        ? { kind: "delete", gone: current.message, answer: true }
        : keep(false),
    );
    if (isGone) run.deleted += 1;
  }

  async #dedupe({ name, bytes, tag }: NamedObject, run: Run): Promise<void> {
    const key = decodeLink<DedupeRecord>(name, bytes);
    if (!isForgettable(key, this.#parts.options.clock.wallMs())) return;
    await this.#delete(name, tag, run);
  }

  /** Without its last member a group's record says nothing; a day is for who is just adding one. */
  async #group({ name, bytes, tag }: NamedObject, run: Run): Promise<void> {
    const { tail } = decodeLink<GroupRecord>(name, bytes);
    const target = partsOfName(name)?.target;
    if (target === undefined || !this.#isOld(tail, this.#parts.options.clock.wallMs())) return;
    if ((await this.#parts.messages.look({ ...target, messageId: tail })) !== undefined) return;
    await this.#delete(name, tag, run);
  }

  async #payloads(run: Run, options: PageOptions): Promise<string | undefined> {
    const { store } = this.#parts.options;
    const page = await callStore(() => store.listStreams(payloadPrefix, options));
    for (const name of page.names) {
      if (run.budget.signal?.aborted === true) return options.after;
      run.looked += 1;
      await sparing(this.#parts.options.telemetry, name, () => this.#payload(name, run));
    }
    return page.next;
  }

  async #payload(name: string, run: Run): Promise<void> {
    const parts = partsOfName(name);
    if (parts === undefined) return;
    if (!(await this.#isOrphan(name, { ...parts.target, messageId: parts.rest }))) return;
    await callStore(() => this.#parts.options.store.deleteStream(name));
    this.#candidates.delete(name);
    run.deleted += 1;
  }

  /** True when neither a message nor a dead letter of that id was there, now and a day ago. */
  async #isOrphan(name: string, at: MessageAt): Promise<boolean> {
    const { store } = this.#parts.options;
    const owners = [messageName(at, at.messageId), deadLetterName(at, at.messageId)];
    for (const owner of owners) {
      if ((await callStore(() => store.get(owner))) === undefined) continue;
      this.#candidates.delete(name);
      return false;
    }
    return this.#wasSeenLongAgo(name);
  }

  /** True when it was a candidate a day ago; from now on it is one. */
  #wasSeenLongAgo(name: string): boolean {
    const now = this.#parts.options.clock.monotonicMs();
    const since = this.#candidates.get(name);
    if (since !== undefined) return now - since >= queueOrphanAgeMs;
    if (this.#candidates.size < orphanCandidatesMax) this.#candidates.set(name, now);
    return false;
  }

  #isOld(messageId: string, nowMs: number): boolean {
    return timeOfMessageId(messageId) + queueOrphanAgeMs < nowMs;
  }

  async #delete(name: string, tag: NamedObject["tag"], run: Run): Promise<void> {
    const { store } = this.#parts.options;
    const when = { kind: "tag" as const, tag };
    const result = await callStore(() => store.apply([{ kind: "delete", name, when }]));
    if (result.kind === "applied") run.deleted += 1;
  }
}
