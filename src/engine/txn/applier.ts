/**
 * Carrying a decision out (transactions-and-islands.md section 6). Every part is idempotent, so it
 * may break off anywhere and be done again.
 */
import { LockdError } from "../../api/errors.ts";
import { applyAttemptsMax, applyPauseMs, jointWriteAttemptsMax } from "../limits.ts";
import { planStepsMax } from "../ports/store.ts";
import { recordName } from "../record/key-record.ts";
import { keep, write } from "../transition.ts";
import { applyToKey } from "./apply-to-key.ts";
import type { Decided, ParticipantKind, ParticipantStanding } from "./participant-kind.ts";
import { isLocal, type TxnParts } from "./txn-parts.ts";
import type { Participant, TxnRecord } from "./txn-record.ts";

export interface ApplyReport {
  /** Those it is through with. */
  readonly done: readonly Participant[];
  readonly failed: readonly { readonly participant: Participant; readonly error: unknown }[];
  /** Attempts that had to be made again. */
  readonly retries: number;
}

/** A report while it is being made. */
interface Report extends ApplyReport {
  readonly done: Participant[];
  readonly failed: { readonly participant: Participant; readonly error: unknown }[];
  retries: number;
}

export class Applier {
  readonly #parts: TxnParts;
  readonly #kinds: ParticipantKind[] = [];

  constructor(parts: TxnParts) {
    this.#parts = parts;
  }

  /** From now on participants of this kind are known as what they are. */
  add(kind: ParticipantKind): void {
    this.#kinds.push(kind);
  }

  /** True for participants that are ordinary keys. */
  isKey({ key }: Participant): boolean {
    return !this.#kinds.some((kind) => kind.owns(key));
  }

  /**
   * Applies the decision to participants of this island; a failure does not stop the others. A
   * tolerant one takes participants that went on without the transaction for done (section 8.4).
   */
  async apply(
    decided: Decided,
    participants: readonly Participant[],
    isTolerant: boolean,
  ): Promise<ApplyReport> {
    const { meter } = this.#parts;
    const report: Report = { done: [], failed: [], retries: 0 };
    const together = await this.#applyKeysTogether(decided, participants);
    report.done.push(...together);
    const brokenUnits = new Map<string, unknown>();
    for (const participant of this.#inOrder(participants)) {
      if (together.includes(participant)) continue;
      const unit = unitOf(participant);
      const error =
        brokenUnits.get(unit) ??
        (await this.#applyOne(decided, participant, { isTolerant, report }));
      if (error === undefined) report.done.push(participant);
      else {
        report.failed.push({ participant, error });
        brokenUnits.set(unit, error);
      }
    }
    const { state } = decided;
    meter.count("txn.apply.applied", [state], report.done.length);
    meter.count("txn.apply.failed", [state], report.failed.length);
    meter.count("txn.apply.retries", [state], report.retries);
    return report;
  }

  /** Keys first: whoever is woken by a message finds what was committed with it. */
  #inOrder(participants: readonly Participant[]): readonly Participant[] {
    const keys = participants.filter((one) => this.isKey(one));
    return [...keys, ...participants.filter((one) => !this.isKey(one))];
  }

  /** The first of this island's messages that is not the transaction's any more. */
  async firstLost({ txnId, participants }: TxnRecord): Promise<Participant | undefined> {
    for (const participant of participants) {
      if (!isLocal(this.#parts, participant)) continue;
      const now = (await this.standing(participant, txnId))?.now;
      if (now !== undefined && now !== "staged" && now !== "leased") return participant;
    }
    return undefined;
  }

  /** How a participant that is no ordinary key stands; undefined for keys. @throws store errors */
  async standing(
    participant: Participant,
    txnId: string,
  ): Promise<ParticipantStanding | undefined> {
    const kind = this.#kinds.find((one) => one.owns(participant.key));
    return kind?.standing(participant, txnId);
  }

  /** All ordinary keys in one write, so that nobody sees half; the others are left over. */
  async #applyKeysTogether(
    decided: Decided,
    participants: readonly Participant[],
  ): Promise<readonly Participant[]> {
    const { shell, options } = this.#parts;
    const keys = participants.filter((participant) => this.isKey(participant));
    if (!options.store.capabilities.atomicPlan || keys.length < 2) return [];
    if (keys.length > planStepsMax) return [];
    const names = namesOf(keys);
    for (let attempt = 0; attempt < jointWriteAttemptsMax; attempt += 1) {
      // What fails together is tried one by one, which tells what is wrong with which.
      const change = await shell
        .changeTogether(names, (record, nowUnix) => applyToKey(record, decided, nowUnix), [])
        .catch(() => undefined);
      if (change === undefined) return [];
      if (change.kind === "applied") return keys;
    }
    return [];
  }

  /** The error that is left after all attempts, or undefined when it is done. */
  async #applyOne(
    decided: Decided,
    participant: Participant,
    { isTolerant, report }: { readonly isTolerant: boolean; readonly report: Report },
  ): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#attempt(decided, participant);
        return undefined;
      } catch (error) {
        const hasMovedOn = codeOf(error) === "queue_message_lease_mismatch";
        if (hasMovedOn && isTolerant) {
          if (decided.state === "commit") this.#reportLost(decided, participant);
          return undefined;
        }
        if (hasMovedOn || attempt >= applyAttemptsMax) return error;
        report.retries += 1;
        await this.#pause(applyPauseMs * 2 ** (attempt - 1));
      }
    }
  }

  async #attempt(decided: Decided, participant: Participant): Promise<void> {
    const kind = this.#kinds.find((one) => one.owns(participant.key));
    if (kind !== undefined) return kind.apply(participant, decided);
    const name = recordName(participant.namespace, participant.key);
    await this.#parts.shell.transact(
      name,
      (record, nowUnix) => {
        const next = applyToKey(record, decided, nowUnix);
        return next === undefined ? keep(undefined) : write(next.record, undefined, next.garbage);
      },
      { asks: "never" },
    );
  }

  /** A committed transaction lost a message to a later delivery: it cannot be undone, only told. */
  #reportLost({ txnId }: Decided, { namespace, key }: Participant): void {
    this.#parts.meter.count("txn.heuristic");
    this.#parts.meter.error("txn.heuristic", { txn_id: txnId, namespace, key });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.options.clock.schedule(delayMs, resolve);
    });
  }
}

/** Names of the records of keys, sorted and unique. */
export function namesOf(participants: readonly Participant[]): readonly string[] {
  const names = participants.map(({ namespace, key }) => recordName(namespace, key));
  return [...new Set(names)].sort();
}

const messagePart = /^(q\/[^/]+\/)(?:msg|state)(\/[^/]+)$/;

/** A message and its state are one unit: where the message fails, its state is not touched. */
function unitOf({ backendHash, namespace, key }: Participant): string {
  const parts = messagePart.exec(key);
  const name = parts === null ? key : `${parts[1]}${parts[2]}`;
  return `${backendHash} ${namespace}/${name}`;
}

function codeOf(error: unknown): string {
  return error instanceof LockdError ? error.code : "";
}
