/**
 * Remembers beside a file the highest fencing token that was seen for it, and lets nobody with an
 * older one pass. What makes it safe:
 *
 * - Comparing and raising are one step: the guard is a small SQLite database, and its lock is the
 *   kernel's, held by one process at a time and taken away only by its death. A process that is
 *   merely slow or stopped keeps it, and the others wait.
 * - A raised token is on disk before anybody acts on it. A crash may leave a token raised whose
 *   holder did nothing, never the other way round.
 * - With a replacement, the file is replaced while the lock is still held. A check alone says only
 *   that nobody newer had passed yet; between it and a later write a newer holder may come by.
 */
import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { rename } from "node:fs/promises";
import path from "node:path";
import Database from "better-sqlite3";
import { failure, LockdError } from "../../api/errors.ts";
import { syncDirectory } from "../disk/content-files.ts";
import { fileSystemOf } from "../disk/file-systems.ts";

/** Milliseconds to wait for other processes at the same guard. */
export const guardWaitMsMax = 10_000;

export interface FenceCheck {
  /** The file that is guarded; need not exist. */
  readonly file: string;
  readonly token: number;
  /** `namespace/key` that the token is of, when it is known. */
  readonly key?: string | undefined;
  /** A complete and synced file in the same directory, to be put in the place of `file`. */
  readonly replacement?: string | undefined;
}

export interface FenceVerdict {
  readonly file: string;
  readonly guard: string;
  readonly token: number;
  /** The highest token before this check; undefined when it was the first. */
  readonly seen: number | undefined;
  readonly replaced: boolean;
}

interface Row {
  readonly key: string | null;
  readonly token: number;
  readonly raised_at: string;
}

const schema = `CREATE TABLE IF NOT EXISTS fence(
  one INTEGER PRIMARY KEY CHECK (one = 1), key TEXT, token INTEGER NOT NULL, raised_at TEXT NOT NULL
)`;

const raise = `INSERT INTO fence(one, key, token, raised_at) VALUES(1, @key, @token, @now)
  ON CONFLICT(one) DO UPDATE SET token = @token, key = coalesce(@key, key), raised_at = @now`;

/** Links that are followed to a file at most, as in Linux itself. */
const linksMax = 40;

/**
 * The file itself behind links, so that all names of it have one guard; also while there is no
 * file behind them yet, or its guard would be another one as soon as there is.
 */
export function guardedFile(file: string): string {
  let name = path.resolve(file);
  for (let links = 0; links <= linksMax; links += 1) {
    try {
      return realpathSync(name);
    } catch (error) {
      // What cannot be looked at may be guarded already, under a name that is not known here.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    const directory = realpathSync(path.dirname(name));
    name = path.join(directory, path.basename(name));
    const target = linkTarget(name);
    if (target === undefined) return name;
    name = path.resolve(directory, target);
  }
  throw new Error(`${file}: more than ${linksMax} links`);
}

function linkTarget(name: string): string | undefined {
  return lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() === true
    ? readlinkSync(name)
    : undefined;
}

/**
 * Passes when no newer token was seen, and remembers this one.
 * @throws fencing_token_stale, fence_key_mismatch, fence_unusable
 */
export async function checkFence(check: FenceCheck, now: Date): Promise<FenceVerdict> {
  try {
    const file = guardedFile(check.file);
    await refuseNetwork(path.dirname(file));
    const guard = `${file}.fence`;
    const db = new Database(guard, { timeout: guardWaitMsMax });
    try {
      return await checkAt({ ...check, file }, { guard, db, now });
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof LockdError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw failure("fence_unusable", `the guard of ${check.file}: ${reason}`, { cause: error });
  }
}

async function refuseNetwork(directory: string): Promise<void> {
  const { name, trait } = await fileSystemOf(directory);
  if (trait !== "network") return;
  const detail = `${directory} is on ${name}, a network file system, where locks are not reliable`;
  throw failure("fence_unusable", detail);
}

interface OpenGuard {
  readonly guard: string;
  readonly db: Database.Database;
  readonly now: Date;
}

async function checkAt(check: FenceCheck, open: OpenGuard): Promise<FenceVerdict> {
  const { file, token, replacement } = check;
  // The directory entry of the rollback journal counts too, hence EXTRA.
  open.db.pragma("synchronous = EXTRA");
  const before = locked(open, () => {
    open.db.exec(schema);
    const row = seenToken(open.db);
    refuse(check, row);
    const key = check.key ?? null;
    if (row?.token !== token || (row.key === null && key !== null)) {
      open.db.prepare(raise).run({ key, token, now: open.now.toISOString() });
    }
    return row;
  });
  const verdict = { file, guard: open.guard, token, seen: before?.token };
  if (replacement === undefined) return { ...verdict, replaced: false };
  begin(open);
  try {
    refuse(check, seenToken(open.db));
    await rename(replacement, file);
    await syncDirectory(path.dirname(file));
  } finally {
    open.db.exec("ROLLBACK");
  }
  return { ...verdict, replaced: true };
}

function seenToken(db: Database.Database): Row | undefined {
  return db.prepare("SELECT key, token, raised_at FROM fence").get() as Row | undefined;
}

/** @throws fencing_token_stale, fence_key_mismatch */
function refuse({ file, token, key }: FenceCheck, row: Row | undefined): void {
  if (row === undefined) return;
  if (row.key !== null && key !== undefined && row.key !== key) {
    const detail = `${file} is guarded by tokens of ${row.key}, and this one is of ${key}`;
    throw failure("fence_key_mismatch", detail);
  }
  if (token >= row.token) return;
  const detail = `token ${token} for ${file} is older than ${row.token}, seen at ${row.raised_at}`;
  throw failure("fencing_token_stale", detail);
}

function locked<T>(open: OpenGuard, use: () => T): T {
  begin(open);
  try {
    const result = use();
    open.db.exec("COMMIT");
    return result;
  } catch (error) {
    if (open.db.inTransaction) open.db.exec("ROLLBACK");
    throw error;
  }
}

/** Waits for its turn, at most {@link guardWaitMsMax}. @throws fence_unusable */
function begin({ db, guard }: OpenGuard): void {
  const endsAt = performance.now() + guardWaitMsMax;
  for (;;) {
    try {
      db.exec("BEGIN EXCLUSIVE");
      return;
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (typeof code !== "string" || !code.startsWith("SQLITE_BUSY")) throw error;
      if (performance.now() < endsAt) continue;
      const detail = `${guard} was in use by another process for ${guardWaitMsMax / 1000} s`;
      throw failure("fence_unusable", detail, { cause: error });
    }
  }
}
