/** Clock, limits and leftovers of this machine. */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { abandonedDirectories, workDirectoryKind } from "../owned-directories.ts";
import { shellWord } from "../shell-words.ts";
import { type Finding, fine, warned } from "./finding.ts";

/** Milliseconds by which wall clock and monotonic clock may part while we look. */
export const clockJumpMsWarn = 50;

/** Milliseconds that the clocks are watched at least. */
export const clockWatchMs = 250;

/** Open files below which a server runs out of them before its waiters do. */
export const openFilesWarn = 4_096;

export interface ClockReading {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export function readClocks(): ClockReading {
  return { wallMs: Date.now(), monotonicMs: performance.now() };
}

/** A wall clock that is set while leases run makes them shorter or longer than they should be. */
export function clockFinding(before: ClockReading, after: ClockReading): Finding {
  const watchedMs = after.monotonicMs - before.monotonicMs;
  const jumpMs = after.wallMs - before.wallMs - watchedMs;
  const seconds = (watchedMs / 1000).toFixed(1);
  if (Math.abs(jumpMs) <= clockJumpMsWarn) return fine("clock", `steady for ${seconds} s`);
  const text = `the wall clock jumped by ${Math.round(jumpMs)} ms within ${seconds} s`;
  return warned("clock", text, "let it be slewed: timedatectl set-ntp true, or chronyd");
}

export function openFilesFinding(limits: string | undefined): Finding[] {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits ?? "")?.[1];
  if (soft === undefined) return [];
  if (soft === "unlimited" || Number(soft) >= openFilesWarn) {
    return [fine("open files", `${soft} at most`)];
  }
  const text = `only ${soft} at most: a server needs one for each connection`;
  return [warned("open files", text, "ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit")];
}

export function readLimits(): string | undefined {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return undefined;
  }
}

/** What killed workers left; the next `lockd work` removes it too. */
export function leftoverFinding(parent: string = tmpdir()): Finding {
  const left = abandonedDirectories(parent, workDirectoryKind);
  if (left.length === 0) return fine("leftovers", `none in ${parent}`);
  const text = `${left.length} of killed workers in ${parent}; the next lockd work removes them`;
  return warned("leftovers", text, `rm -r ${left.map(shellWord).join(" ")}`);
}
