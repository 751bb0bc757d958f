import { LockdApiError } from "../../api/errors.ts";
import { type KeyRecord, keyOfRecordName, namespaceOfRecord } from "../record/key-record.ts";
import type { Coordinator } from "./coordinator.ts";
import { localParticipant, type TxnParts } from "./txn-parts.ts";

/** Errors that say: nobody can tell now, the lease and its changes have to stay. */
const openCodes = new Set(["txn_conflict", "tc_unavailable", "tc_not_leader", "tc_term_stale"]);

/**
 * Expired leases of joint transactions (transactions-and-islands.md section 4.5): whatever was
 * decided is applied; what was not is rolled back for all participants, and durably so before
 * anything staged is discarded, or a commit on its way would lose a part.
 */
export class UndecidedLeases {
  readonly #parts: TxnParts;
  readonly #coordinator: Coordinator;

  constructor(parts: TxnParts, coordinator: Coordinator) {
    this.#parts = parts;
    this.#coordinator = coordinator;
  }

  /**
   * Sees to the record called `name`; when nobody can tell, it stays as it is.
   * @throws store errors
   */
  async resolve(name: string, undecided: KeyRecord): Promise<void> {
    const txnId = undecided.staged?.txnId ?? "";
    const key = keyOfRecordName(name);
    const namespace = namespaceOfRecord(name);
    const participants = [localParticipant(this.#parts, { namespace, key })];
    try {
      const { state } = await this.#coordinator.settle(
        { txnId, state: "rollback", participants, expiresAtUnix: 0, tcTerm: 0 },
        { isTolerant: true },
      );
      if (state === "pending") return;
      this.#parts.meter.info("txn.lease.resolved", {
        txn_id: txnId,
        lease_id: undecided.lease?.id,
        state,
        namespace,
        key,
      });
    } catch (error) {
      if (!(error instanceof LockdApiError) || !openCodes.has(error.code)) throw error;
      this.#parts.meter.warn("txn.in_doubt", { txn_id: txnId, namespace, key, code: error.code });
    }
  }
}
