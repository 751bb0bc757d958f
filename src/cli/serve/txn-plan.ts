import { parseDuration } from "../values.ts";
import type { SettingName, SettingValues } from "./server-settings.ts";

/** What of transactions the server's settings say. */
export interface TxnPlan {
  readonly retentionSeconds: number;
  readonly replayIntervalMs: number;
}

/** @throws UsageError naming the setting */
export function txnPlan(settings: SettingValues): TxnPlan {
  const ms = (name: SettingName): number => parseDuration(settings[name].text.trim(), name);
  const replayMs = ms("txn-replay-interval");
  // Who sweeps more often than that, and says nothing about replays, wants these as often.
  const isChosen = settings["txn-replay-interval"].source !== "default";
  return {
    retentionSeconds: Math.max(1, Math.ceil(ms("tc-decision-retention") / 1000)),
    replayIntervalMs: isChosen ? replayMs : Math.min(replayMs, ms("sweeper-interval")),
  };
}
