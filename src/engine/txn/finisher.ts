/**
 * Ends the records of decided transactions: once every participant has applied the decision only
 * its marker stays. Done after the caller was answered; what a crash or a full line leaves over is
 * done by recovery.
 */
import { txnFinishingMax } from "../limits.ts";
import { abandonedMarkerOf, markerOf } from "./marker.ts";
import { participantsText, type SweepMode } from "./txn-meter.ts";
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
  later(record: DecidedRecord, done: readonly Participant[], mode?: SweepMode): void {
    if (this.#running.size >= txnFinishingMax) return;
    const work = this.#finish(record, done, mode).catch((error: unknown) => {
      const { meter } = this.#parts;
      if (mode !== undefined) meter.count("txn.sweep.cleanup_failed", [mode]);
      meter.warn("txn.finish.failed", { txn_id: record.txnId, error: String(error) });
    });
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** Resolves when nothing is being finished any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /**
   * Gives a decision up whose participants could not be reached until its deadline: only its marker
   * stays, which tells whoever meets one of them later (section 7). Nothing happens before then.
   * @throws store errors
   */
  async abandon({ txnId }: DecidedRecord, mode: SweepMode): Promise<void> {
    const { log, meter } = this.#parts;
    await log.exclusively(txnId, async (turn) => {
      const record = await turn.record();
      const times = timesOf(this.#parts);
      if (record === undefined || !isDecided(record)) return;
      const missing = record.participants.filter(({ applied }) => !applied);
      if (missing.length === 0 || record.expiresAtUnix > times.nowUnix) return;
      const written = await turn.finish(abandonedMarkerOf(record, times));
      if (written !== "applied") {
        meter.count("txn.sweep.cleanup_failed", [mode]);
        return;
      }
      meter.count("txn.abandoned", [record.state]);
      meter.count("txn.sweep.cleanup_deleted", [mode]);
      meter.error("txn.abandoned", {
        ...{ txn_id: txnId, state: record.state, expires_at: record.expiresAtUnix },
        ...{ participants: participantsText(missing), participant_count: missing.length },
      });
    });
  }

  #finish(
    { txnId }: DecidedRecord,
    done: readonly Participant[],
    mode: SweepMode | undefined,
  ): Promise<void> {
    return this.#parts.log.exclusively(txnId, async (turn) => {
      const record = await turn.record();
      if (record === undefined || !isDecided(record)) return;
      const participants = record.participants.map((one) =>
        one.applied || done.some((other) => isSameParticipant(one, other))
          ? { ...one, applied: true }
          : one,
      );
      if (participants.every(({ applied }) => applied)) {
        const written = await turn.finish(markerOf(record, timesOf(this.#parts)));
        if (mode === undefined) return;
        const counter = written === "applied" ? "cleanup_deleted" : "cleanup_failed";
        this.#parts.meter.count(`txn.sweep.${counter}`, [mode]);
      } else if (
        participants.some(({ applied }, at) => applied !== record.participants[at]?.applied)
      ) {
        // Partly through: what is done is not done again.
        await turn.put({ ...record, participants });
      }
    });
  }
}
