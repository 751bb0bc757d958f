import { LeaseLostError } from "../../api/errors.ts";
import type { KeyRecord } from "./key-record.ts";

/**
 * The expired lease of a joint transaction whose fate has to be asked for before anything staged
 * under it may be discarded. Shown to callers only when nobody can tell: the key then acts as held.
 */
export class InDoubt extends LeaseLostError {
  readonly record: KeyRecord;

  constructor(name: string, record: KeyRecord) {
    const { lease } = record;
    const detail = `lease ${lease?.id} of ${name} has expired, and nobody can tell yet how`;
    super("lease_expired", `${detail} transaction ${lease?.txnId} ends`, {
      status: 403,
      currentVersion: record.version,
      currentEtag: record.state?.etag ?? "",
      retryAfterMs: 1_000,
    });
    this.record = record;
  }
}
