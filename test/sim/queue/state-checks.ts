/**
 * The states of messages (http-queue.md section 10): what a nack leaves is there for the next
 * delivery, what a lapsed lease staged is not, only the newest lease writes, and nobody finds the
 * state of another message. What may be there is carried along as a set; it has one member where
 * nothing fails.
 */
import { epochMs } from "../sim-clock.ts";
import type { SeenState } from "./calls.ts";
import type { Evidence, Report } from "./checks.ts";
import { mayComeAgain } from "./departures.ts";
import { add, type Handed, textOf } from "./history.ts";
import type { QueueOperation } from "./wire.ts";

type Value = string | undefined;

interface Work {
  readonly reads: readonly QueueOperation[];
  readonly writes: readonly QueueOperation[];
}

export class StateChecks {
  readonly #evidence: Evidence;
  readonly #report: Report;
  /** By state lease. */
  readonly #reads = new Map<string, QueueOperation[]>();
  readonly #writes = new Map<string, QueueOperation[]>();

  constructor(evidence: Evidence, report: Report) {
    this.#evidence = evidence;
    this.#report = report;
    for (const operation of evidence.history.operations) {
      const leaseId = textOf(operation, "stateLeaseId") ?? "";
      if (operation.verb === "readState") add(this.#reads, leaseId, operation);
      if (operation.verb === "writeState") add(this.#writes, leaseId, operation);
    }
  }

  run(): void {
    for (const [messageId, handed] of this.#evidence.history.handed) {
      const { queue = "" } = handed[0] ?? {};
      // One that comes again after its ack has a new state, which counts anew.
      if (mayComeAgain(this.#evidence, { queue, id: messageId })) continue;
      const stateful = handed.filter(({ state }) => state !== undefined);
      stateful.sort((one, other) => tokenOf(one) - tokenOf(other));
      this.#tokens(messageId, stateful);
      this.#follow(messageId, stateful);
    }
  }

  #tokens(messageId: string, stateful: readonly Handed[]): void {
    const leases = new Map<number, string>();
    for (const delivery of stateful) {
      const token = tokenOf(delivery);
      const leaseId = delivery.state?.leaseId ?? "";
      const known = leases.get(token);
      if (known !== undefined && known !== leaseId) {
        this.#report("P02 tokens", messageId, `token ${token} of its state was handed out twice`);
      }
      leases.set(token, leaseId);
      for (const write of this.#writes.get(leaseId) ?? []) {
        const newer = stateful.find(
          (one) => tokenOf(one) > token && one.operation.answeredAt < write.invokedAt,
        );
        if (newer === undefined || write.outcome?.kind !== "ok") continue;
        const text = `state written (op ${write.id}) with token ${token} after ${tokenOf(newer)}`;
        this.#report("P01 fence", messageId, text);
      }
    }
  }

  /** From delivery to delivery, what the state may be. */
  #follow(messageId: string, stateful: readonly Handed[]): void {
    let published: ReadonlySet<Value> = new Set([undefined]);
    for (const delivery of stateful) {
      const leaseId = delivery.state?.leaseId ?? "";
      const work: Work = {
        reads: this.#reads.get(leaseId) ?? [],
        writes: this.#writes.get(leaseId) ?? [],
      };
      for (const read of work.reads) {
        if (read.outcome?.kind !== "ok") continue;
        const { value } = read.outcome.answer as SeenState;
        const possible = union(valuesAt(work, read), isBare(work, read) ? published : []);
        if (possible.has(value)) continue;
        const text = `read (op ${read.id}) ${value}, not one of ${[...possible].join(", ")}`;
        this.#report("P05 state", messageId, text);
      }
      published = this.#afterwards(delivery, work, published);
    }
  }

  /** Only a nack keeps what was staged; where something fails, perhaps not even that. */
  #afterwards(delivery: Handed, work: Work, published: ReadonlySet<Value>): ReadonlySet<Value> {
    const settles = this.#evidence.history.settles.get(delivery.messageId) ?? [];
    const nacks = settles.filter(
      ({ verb, about }) => verb === "nack" && about.leaseId === delivery.leaseId,
    );
    if (nacks.length === 0 || work.writes.length === 0) return published;
    const staged = valuesAt(work, undefined);
    const { calm, clockFaults } = this.#evidence;
    const endMs = delivery.leaseExpiresAtUnix * 1000 - epochMs;
    const isCertain = nacks.some(
      ({ outcome, answeredMs }) => outcome?.kind === "ok" && answeredMs < endMs,
    );
    const isExtended = settles.some(
      ({ verb, about }) => verb === "extend" && about.leaseId === delivery.leaseId,
    );
    const isWritten = !isBare(work, undefined);
    if (calm && !clockFaults && isCertain && !isExtended && isWritten) return staged;
    return union(staged, published);
  }
}

function tokenOf({ state }: Handed): number {
  return state?.fencingToken ?? 0;
}

/** No write was certainly done before `by`; undefined: at the end. */
function isBare({ writes }: Work, by: QueueOperation | undefined): boolean {
  return !writes.some((write) => isDone(write, by));
}

function isDone({ outcome, answeredAt }: QueueOperation, by: QueueOperation | undefined): boolean {
  return outcome?.kind === "ok" && answeredAt < (by?.invokedAt ?? Number.POSITIVE_INFINITY);
}

/** What may be staged at `by`: the last that was done, and whatever may have come after it. */
function valuesAt({ writes }: Work, by: QueueOperation | undefined): ReadonlySet<Value> {
  const done = writes.filter((write) => isDone(write, by));
  const lastBegan = Math.max(-1, ...done.map(({ invokedAt }) => invokedAt));
  const possible = writes.filter(({ invokedAt, answeredAt, outcome }) => {
    const isBefore = by === undefined || invokedAt < by.answeredAt;
    const isRefused = outcome?.kind === "failed" && !outcome.unknown;
    return isBefore && !isRefused && answeredAt > lastBegan;
  });
  return new Set(possible.map((write) => textOf(write, "value")));
}

function union(one: Iterable<Value>, other: Iterable<Value>): ReadonlySet<Value> {
  return new Set([...one, ...other]);
}
