/** Whether what is stored can be read: the database, and the journal a dead owner left. */
import { statSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { readSegment, segmentsIn } from "./journal/read-segment.ts";
import { OwnerLock } from "./ownership.ts";
import { storeFailureOf } from "./sqlite-failure.ts";
import { SqliteRows } from "./sqlite-rows.ts";

/** Milliseconds to wait for a database that is being created or recovered. */
const busyMs = 2_000;

/**
 * Reads everything that opening the store would need, and changes nothing.
 * @returns what is worth knowing although it is readable
 * @throws StoreFailure naming the damaged file
 */
export function checkStoredData(directory: string): string | undefined {
  const file = path.join(directory, "lockd.db");
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0) checkDatabase(file);
  const segments = segmentsIn(directory);
  if (segments.length === 0) return size === 0 ? "nothing is stored yet" : undefined;
  const lock = OwnerLock.tryTake(directory);
  // The journal of a live owner changes while it is read, and its owner has read it already.
  if (lock === undefined) return "a server owns the store; its journal was not read";
  try {
    for (const segment of segments) readSegment(segment);
  } finally {
    lock.release();
  }
  return undefined;
}

function checkDatabase(file: string): void {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, timeout: busyMs });
    const found: unknown = db.pragma("quick_check(1)", { simple: true });
    if (found !== "ok") throw new Error(`damaged: ${String(found)}`);
    const made = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'meta'").get();
    // Refuses the format of a newer lockd.
    if (made !== undefined) SqliteRows.open({ path: file, readonly: true }).close();
  } catch (error) {
    throw storeFailureOf(error, file);
  } finally {
    db?.close();
  }
}
