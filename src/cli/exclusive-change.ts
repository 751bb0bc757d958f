/**
 * One process at a time at a small file, by a lock file beside it. Making one is a single step on
 * network file systems too (O_EXCL), where the locks of the kernel are not to be relied on.
 *
 * - The lock says who made it. It is taken away when that process is dead, or, since another
 *   machine cannot be asked, when the same lock is there for longer than any change takes.
 * - Taking one away happens under a second lock, held for that alone. Otherwise, of two who found
 *   the same dead lock, the slower would take away the one that the faster made in its place.
 * - Whoever was stopped for so long that its lock was taken away notices before it puts its file in
 *   place: `checkMine`.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failure } from "../api/errors.ts";
import { isAlive, placeTag } from "./process-identity.ts";
import { bornOf } from "./run/process-tree.ts";

/** Milliseconds to wait for others at most. */
const waitMsMax = 15_000;

/** Milliseconds that one lock is watched before it is taken for left behind. */
const staleMs = 5_000;

/** Milliseconds between two tries, on the average. */
const tryAgainMs = 20;

/**
 * Runs `change` while no other process does so for this file. `checkMine` is to be called last,
 * before the file is replaced. @throws file_busy
 */
export async function changeAlone<T>(
  file: string,
  change: (checkMine: () => void) => Promise<T>,
): Promise<T> {
  const lock = `${file}.lock`;
  const mine = await take(lock);
  const isMine = (): boolean => textOf(lock) === mine;
  try {
    return await change(() => {
      if (!isMine()) throw busy(`${lock} was taken away while this process was stopped`);
    });
  } finally {
    if (isMine()) rmSync(lock, { force: true });
  }
}

/** Makes the lock, and tells what stands in it. */
async function take(lock: string): Promise<string> {
  const { pid } = process;
  const mine = `${placeTag()} ${pid} ${bornOf(pid) ?? ""} ${randomUUID()}`;
  const endsAtMs = performance.now() + waitMsMax;
  let seen: string | undefined;
  let seenAtMs = 0;
  while (!make(lock, mine)) {
    const nowMs = performance.now();
    const holder = textOf(lock);
    if (holder !== seen) {
      seen = holder;
      seenAtMs = nowMs;
    }
    const isLeftBehind = holder !== undefined && (isDead(holder) || nowMs - seenAtMs > staleMs);
    if (isLeftBehind) takeAway(lock, holder);
    if (nowMs > endsAtMs) {
      const both = `${path.basename(lock)} and ${path.basename(lock)}.break`;
      throw busy(`${both} in ${path.dirname(lock)} were there for ${waitMsMax / 1_000} s`);
    }
    await sleep(tryAgainMs * (0.5 + Math.random()));
  }
  return mine;
}

/** False when there is one already. */
function make(lock: string, text: string): boolean {
  try {
    writeFileSync(lock, text, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined when there is none; empty for a moment while it is made. */
function textOf(lock: string): string | undefined {
  try {
    return readFileSync(lock, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Only what is known for sure: of another machine, or of no known form, nothing is. */
function isDead(holder: string): boolean {
  const [place, pid = "", born = ""] = holder.split(" ");
  return place === placeTag() && /^\d+$/.test(pid) && !isAlive(Number(pid), born);
}

function takeAway(lock: string, holder: string): void {
  const breaking = `${lock}.break`;
  if (!make(breaking, "")) return;
  try {
    if (textOf(lock) === holder) rmSync(lock, { force: true });
  } finally {
    rmSync(breaking, { force: true });
  }
}

function busy(detail: string): Error {
  return failure("file_busy", detail);
}
