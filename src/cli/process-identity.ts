/**
 * Which process is meant by what somebody wrote down of it. A process id alone means nothing on
 * another machine, in another container, or after a restart; and a later process may get it.
 */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { procEntry } from "./run/process-table.ts";

/** Eight digits that stand for this machine since it was started, and this container on it. */
export function placeTag(): string {
  const parts = [
    hostname(),
    read(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")),
    read(() => readlinkSync("/proc/self/ns/pid")),
  ];
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 8);
}

function read(source: () => string): string {
  try {
    return source().trim();
  } catch {
    return "";
  }
}

/** Whether the very process that is meant still runs. In doubt it does. */
export function isAlive(pid: number, born: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
  const entry = procEntry(pid);
  if (entry === undefined || born === "") return true;
  return !entry.zombie && entry.born === born;
}
