/**
 * Who owns a store directory. At most one process may own it (the exclusive gear): it holds the
 * lock of `owner.db` for its life, which the operating system takes away when it dies, and its
 * claim stands in the database, where every write of the shared gear looks for it inside its own
 * transaction. So an owner and a shared writer can never both write.
 */
import { statSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { failure } from "../../api/errors.ts";
import { StoreFailure } from "../../engine/ports/store.ts";
import { codeOf, storeFailureOf } from "./sqlite-failure.ts";
import type { SqliteRows } from "./sqlite-rows.ts";

/** The socket a server keeps inside its store directory for commands on the same machine. */
export const ownerSocketName = "lockd.sock";

const claimKey = "owner";
const placeKey = "place";

export interface OwnerClaim {
  readonly pid: number;
  readonly startedAtUnix: number;
}

/** The lock that says a process is alive; held until `release` or the end of the process. */
export class OwnerLock {
  readonly #db: Database.Database;

  private constructor(db: Database.Database) {
    this.#db = db;
  }

  /** The lock, or undefined when another holder is alive. @throws StoreFailure */
  static tryTake(directory: string): OwnerLock | undefined {
    const file = path.join(directory, "owner.db");
    let db: Database.Database | undefined;
    try {
      db = new Database(file, { timeout: 0 });
      db.exec("BEGIN EXCLUSIVE");
      return new OwnerLock(db);
    } catch (error) {
      db?.close();
      if (codeOf(error).startsWith("SQLITE_BUSY")) return undefined;
      throw storeFailureOf(error, file);
    }
  }

  release(): void {
    this.#db.close();
  }
}

export function readClaim(rows: SqliteRows): OwnerClaim | undefined {
  const text = rows.getMeta(claimKey);
  return text === undefined ? undefined : (JSON.parse(text) as OwnerClaim);
}

export function writeClaim(rows: SqliteRows, claim: OwnerClaim): void {
  rows.setMeta({ [claimKey]: JSON.stringify(claim) });
}

export function clearClaim(rows: SqliteRows): void {
  rows.setMeta({ [claimKey]: undefined });
}

/** For use inside a write transaction of the shared gear. @throws StoreFailure "owned" */
export function refuseWhenOwned(rows: SqliteRows): void {
  const claim = readClaim(rows);
  if (claim === undefined) return;
  throw new StoreFailure("owned", `${path.dirname(rows.path)} is owned by process ${claim.pid}`);
}

/** @throws store_owned */
export function ownedElsewhere(directory: string, claim: OwnerClaim | undefined): Error {
  const who = claim === undefined ? "another process" : `the server with process id ${claim.pid}`;
  return failure("store_owned", `${directory} is owned by ${who}`);
}

/**
 * True when the database stands elsewhere than where it was made: the directory was copied or
 * restored. Its claim and journal then belong to a process that is not its owner.
 */
export function noteWhereabouts(rows: SqliteRows): boolean {
  const { dev, ino } = statSync(rows.path);
  const here = `${dev}:${ino}`;
  const known = rows.getMeta(placeKey);
  if (known === here) return false;
  rows.setMeta({ [placeKey]: here });
  return known !== undefined;
}
