import type { ChangeDraft } from "../observe/record-changes.ts";
import type { EngineOptions } from "../options.ts";
import type { RecordShell } from "../record/record-shell.ts";
import type { DecisionTimes } from "./decide-txn.ts";
import type { TxnLog } from "./txn-log.ts";
import type { TxnMeter } from "./txn-meter.ts";
import type { Participant } from "./txn-record.ts";
import type { TxnSettings } from "./txn-settings.ts";

/** What the parts of the transaction engine share. */
export interface TxnParts {
  readonly options: EngineOptions;
  readonly settings: TxnSettings;
  readonly shell: RecordShell;
  readonly log: TxnLog;
  readonly meter: TxnMeter;
  /** Tells whoever watches; what is to be told is only made when somebody does. */
  readonly publish: (make: () => ChangeDraft | undefined) => void;
}

export function timesOf({ options, settings, shell }: TxnParts): DecisionTimes {
  return {
    nowUnix: shell.nowUnix(),
    nowMs: options.clock.wallMs(),
    retentionSeconds: settings.retentionSeconds,
    defaultTtlSeconds: options.defaultTtlSeconds,
  };
}

/** A key of this island as a participant. */
export function localParticipant(
  { settings }: TxnParts,
  { namespace, key }: { readonly namespace: string; readonly key: string },
): Participant {
  return { backendHash: settings.backendHash, namespace, key, applied: false };
}

/** True for participants this island applies decisions to (section 6). */
export function isLocal({ settings }: TxnParts, { backendHash }: Participant): boolean {
  return backendHash === "" || backendHash === settings.backendHash;
}
