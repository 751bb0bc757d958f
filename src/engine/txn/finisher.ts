/**
 * Ends the records of decided transactions: once every participant has applied the decision only
 * its marker stays. Done after the caller was answered; what a crash or a full line leaves over is
 * done by recovery.
 */
import { txnFinishingMax } from "../limits.ts";
import { markerOf } from "./marker.ts";
import { ofSweep } from "./txn-meter.ts";
import { type TxnParts, timesOf } from "./txn-parts.ts";
import {
  type DecidedRecord,
  isDecided,
  isSameParticipant,
  type Participant,
} from "./txn-record.ts";

export class Finisher {
  readonly #parts: TxnParts;
  readonly #running = new Set<Promise<void>>();

  constructor(parts: TxnParts) {
    this.#parts = parts;
  }

  /** `done`: participants the decision has reached besides those that are recorded so. */
  later(record: DecidedRecord, done: readonly Participant[]): void {
    if (this.#running.size >= txnFinishingMax) return;
    const work = this.#finish(record, done).catch((error: unknown) => {
      this.#parts.meter.count("sweep.cleanup_failed", ofSweep("transparent"));
      this.#parts.meter.warn("txn.finish.failed", {
        txn_id: record.txnId,
        error: String(error),
      });
    });
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** Resolves when nothing is being finished any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #finish({ txnId }: DecidedRecord, done: readonly Participant[]): Promise<void> {
    return this.#parts.log.exclusively(txnId, async (turn) => {
      const record = await turn.record();
      if (record === undefined || !isDecided(record)) return;
      const participants = record.participants.map((one) =>
        one.applied || done.some((other) => isSameParticipant(one, other))
          ? { ...one, applied: true }
          : one,
      );
      if (participants.every(({ applied }) => applied)) {
        await turn.finish(markerOf(record, timesOf(this.#parts)));
        this.#parts.meter.count("sweep.cleanup_deleted", ofSweep("transparent"));
      } else if (
        participants.some(({ applied }, at) => applied !== record.participants[at]?.applied)
      ) {
        // Partly through: what is done is not done again.
        await turn.put({ ...record, participants });
      }
    });
  }
}
