import { decisionRetentionSecondsDefault, txnReplayIntervalMs } from "../limits.ts";

/** What of transactions users may set (transactions-and-islands.md section 21). */
export interface TxnSettings {
  /** How this island is called among others; empty while it does not know. */
  readonly backendHash: string;
  readonly retentionSeconds: number;
  readonly replayIntervalMs: number;
}

export function txnSettings(chosen: Partial<TxnSettings> = {}): TxnSettings {
  return {
    backendHash: "",
    retentionSeconds: decisionRetentionSecondsDefault,
    replayIntervalMs: txnReplayIntervalMs,
    ...chosen,
  };
}
