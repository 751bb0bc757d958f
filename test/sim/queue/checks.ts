/**
 * What must be true of every run (reliability.md P08), checked on what the nodes executed and what
 * the store holds in the end. Each rule is independent of clocks unless it says otherwise.
 */
import { epochMs } from "../sim-clock.ts";
import type { Violation } from "../violation.ts";
import { checkDeliveries } from "./delivery-checks.ts";
import { checkDepartures, mayComeAgain } from "./departures.ts";
import { add, type Enqueued, type Handed, type QueueHistory, textOf } from "./history.ts";
import type { QueueLedger } from "./ledger.ts";
import { StateChecks } from "./state-checks.ts";
import type { QueueOperation } from "./wire.ts";

export interface FinalState {
  /** Message ids among the dead letters, and still in the queues. */
  readonly dead: ReadonlySet<string>;
  readonly left: ReadonlySet<string>;
}

/** All there is to know of a run. */
export interface Evidence {
  readonly history: QueueHistory;
  readonly ledger: QueueLedger;
  readonly final: FinalState;
  readonly clockFaults: boolean;
  /** The store keeps what it is asked to, at once: neither it nor a node fails. */
  readonly calm: boolean;
  /** Plans are all or nothing. */
  readonly atomicPlan: boolean;
  readonly exclusive: boolean;
}

export type Report = (property: string, key: string, text: string) => void;

export class QueueChecks {
  readonly #history: QueueHistory;
  readonly #evidence: Evidence;
  readonly #violations: Violation[] = [];
  readonly #clockFaults: boolean;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    this.#history = evidence.history;
    this.#clockFaults = evidence.clockFaults;
  }

  run(): readonly Violation[] {
    for (const operation of this.#history.operations) {
      if (operation.outcome?.kind !== "broken") continue;
      this.#report("P15 errors", operation.verb, operation.outcome.what);
    }
    this.#nothingLost();
    this.#payloads();
    for (const [messageId, handed] of this.#history.handed) {
      const { queue = "" } = handed[0] ?? {};
      if (mayComeAgain(this.#evidence, { queue, id: messageId })) continue;
      this.#fence(messageId, handed);
      this.#tokens(messageId, handed);
      this.#afterAck(messageId, handed);
    }
    this.#dedupe();
    this.#oneOfAKey();
    this.#groups();
    checkDepartures(this.#evidence, this.#report);
    checkDeliveries(this.#evidence, this.#report);
    new StateChecks(this.#evidence, this.#report).run();
    return this.#violations;
  }

  #report: Report = (property, key, text) => {
    this.#violations.push({ property, key, text, atMs: 0 });
  };

  /**
   * Every acknowledged enqueue was settled by an ack, is dead, or is still there. That others went
   * for a reason of theirs is for `departures.ts` to say.
   */
  #nothingLost(): void {
    const { dead, left } = this.#evidence.final;
    const { ledger } = this.#evidence;
    for (const [messageId, [first]] of this.#history.enqueues) {
      // A duplicate's producer may have been answered first, or alone, and have asked for something
      // else.
      const [asked] = this.#history.asked.get(ledger.payloadOf(messageId) ?? "") ?? [];
      const operation = this.#history.made(messageId) ?? asked ?? first;
      if (dead.has(messageId) || left.has(messageId)) continue;
      if (this.#history.maybeAcked(messageId, Number.POSITIVE_INFINITY)) continue;
      if (operation !== undefined && this.#mayGo(messageId, operation)) continue;
      this.#report("P08 lost", messageId, "acknowledged, never acked, and gone");
    }
  }

  #mayGo(messageId: string, operation: QueueOperation): boolean {
    const { history, ledger } = this.#evidence;
    if (operation.about.ttlSeconds !== undefined) return true;
    const letter = { queue: textOf(operation, "queue") ?? "", id: messageId };
    if (history.changesOf("purge", letter).length > 0) return true;
    return ledger.idsOf(ledger.payloadOf(messageId) ?? "").length > 1;
  }

  /** A message is what its producer made it. */
  #payloads(): void {
    for (const messageId of this.#history.enqueues.keys()) {
      const made = this.#history.made(messageId);
      if (made === undefined) continue;
      for (const { payload } of this.#history.handed.get(messageId) ?? []) {
        if (payload === textOf(made, "payload")) continue;
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
    for (const ack of this.#history.settles.get(messageId) ?? []) {
      if (ack.verb !== "ack" || ack.outcome?.kind !== "ok") continue;
      const token = Number(ack.about.fencingToken);
      for (const { fencingToken, operation } of handed) {
        // Where clocks are wrong another server may take a lease for over that still runs here, and
        // settle the message while the outcome of this ack is being found out.
        const isNewer = fencingToken > token && !this.#clockFaults;
        // And a stream there still hands out what it had leased ahead before.
        const isAhead = this.#clockFaults && operation.about.window !== undefined;
        const isLate = operation.invokedAt > ack.answeredAt && !(isAhead && fencingToken <= token);
        if (!isNewer && !isLate) continue;
        this.#report("P08 ack", messageId, `delivered (op ${operation.id}) after ack ${ack.id}`);
      }
    }
  }

  /** Nobody settles with an old token once a newer delivery was answered. */
  #fence(messageId: string, handed: readonly Handed[]): void {
    for (const settle of this.#history.settles.get(messageId) ?? []) {
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
    for (const [messageId, operations] of this.#history.enqueues) {
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
    for (const operation of this.#history.operations) {
      const key = textOf(operation, "dedupeKey");
      if (key === undefined) continue;
      keys.set(textOf(operation, "payload") ?? "", `${textOf(operation, "queue")}/${key}`);
    }
    const handed = new Map<string, string>();
    for (const [messageId, [delivery]] of this.#history.handed) {
      const key = keys.get(delivery?.payload ?? "");
      if (key === undefined || delivery === undefined) continue;
      const known = handed.get(key);
      if (known === undefined) handed.set(key, messageId);
      // The same message under a new name is for `departures.ts` to look at.
      else if (this.#maybeRedriven(known, delivery)) continue;
      else this.#report("P09 dedupe", key, `delivered as ${known} and as ${messageId}`);
    }
  }

  #maybeRedriven(messageId: string, { queue, payload }: Handed): boolean {
    const { history, ledger } = this.#evidence;
    if (ledger.payloadOf(messageId) !== payload) return false;
    return history.changesOf("redrive", { queue, id: messageId }).length > 0;
  }

  #groups(): void {
    const members = new Map<string, string[]>();
    for (const [messageId, [operation]] of this.#history.enqueues) {
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
          this.#order({ group, earlier, later });
          if (!this.#clockFaults) this.#oneInFlight(group, earlier, later);
        }
      }
    }
  }

  /** Enqueued before means gone from the queue before the other is delivered. */
  #order({ group, earlier, later }: { group: string; earlier: string; later: string }): void {
    const before = this.#history.enqueues.get(earlier)?.[0];
    const after = this.#history.enqueues.get(later)?.[0];
    if (before === undefined || after === undefined) return;
    if (!(before.answeredAt < after.invokedAt)) return;
    for (const { operation } of this.#history.handed.get(later) ?? []) {
      if (this.#evidence.ledger.goneMs(earlier) <= operation.answeredMs) continue;
      const text = `${later} was delivered (op ${operation.id}) before ${earlier} was gone`;
      this.#report("P08 group order", group, text);
      return;
    }
  }

  /** While one is certainly in its consumer's hands no other one of its group is handed out. */
  #oneInFlight(group: string, one: string, other: string): void {
    for (const held of this.#history.handed.get(one) ?? []) {
      const from = held.operation.answeredAt;
      const ended = (this.#history.settles.get(one) ?? [])
        .filter(({ about, verb }) => about.leaseId === held.leaseId && verb !== "extend")
        .map(({ invokedAt }) => invokedAt);
      const until = Math.min(Number.POSITIVE_INFINITY, ...ended);
      const shortened = (this.#history.settles.get(one) ?? []).some(
        ({ about, verb }) => about.leaseId === held.leaseId && verb === "extend",
      );
      if (shortened) continue;
      for (const { operation } of this.#history.handed.get(other) ?? []) {
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
