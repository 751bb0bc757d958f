/** Connections as the dashboard wants them. Reached without Ink, so that `--once` loads none. */
import type { Lockd } from "../api/lockd.ts";
import type { DashboardSource, Failure } from "./source/dashboard-source.ts";
import { LockdSource } from "./source/lockd-source.ts";

export interface WatchedLockd {
  readonly label: string;
  readonly lockd: Lockd;
  readonly mode: "inline" | "server";
  readonly store: string;
  /** Of the program that works on the store, where that is this one. */
  readonly version: string | undefined;
}

export interface LabelledSource {
  readonly label: string;
  readonly source: DashboardSource;
}

export function openSources(
  watched: readonly WatchedLockd[],
  describe: (error: unknown) => Failure,
): readonly LabelledSource[] {
  return watched.map(({ label, lockd, ...about }) => ({
    label,
    source: new LockdSource({ lockd, about, describe, now: Date.now }),
  }));
}
