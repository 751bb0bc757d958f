/**
 * A store whose database was deleted or emptied looks like a new one, and its fencing tokens would
 * start again at 1: every fence that was ever set up would be open. So a directory remembers that a
 * database was made in it.
 */
import { closeSync, fsyncSync, openSync, statSync, writeSync } from "node:fs";
import path from "node:path";
import { StoreFailure } from "../../engine/ports/store.ts";
import { codeOf, storeFailureOf } from "./sqlite-failure.ts";

const markName = "lockd.made";

const markText =
  "A lockd store was made in this directory. If lockd.db is gone, restore it from a backup;\n" +
  "delete this file only to start anew, with fencing tokens that begin at 1 again.\n";

/** @throws StoreFailure "corrupt" when there was a database and there is none now */
export function refuseLostDatabase(directory: string): void {
  if (sizeOf(path.join(directory, markName)) === undefined) return;
  const size = sizeOf(path.join(directory, "lockd.db"));
  if (size !== undefined && size > 0) return;
  const found = size === undefined ? "is missing" : "is empty";
  throw new StoreFailure(
    "corrupt",
    `lockd.db ${found}, but a store was made here before; restore it from a backup, or delete ` +
      `${path.join(directory, markName)} to start anew (fencing tokens begin at 1 again)`,
  );
}

/** Once the database is there; a mark that stands already is left alone. */
export function markDatabaseMade(directory: string): void {
  const file = path.join(directory, markName);
  if (sizeOf(file) !== undefined) return;
  try {
    const handle = openSync(file, "wx", 0o600);
    try {
      writeSync(handle, markText);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    syncDirectoryEntry(directory);
  } catch (error) {
    // Somebody else was faster; or there is no room for it now, and the next opener makes it.
    if (codeOf(error) === "EEXIST" || codeOf(error) === "ENOSPC") return;
    throw storeFailureOf(error, file);
  }
}

function syncDirectoryEntry(directory: string): void {
  const handle = openSync(directory, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function sizeOf(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.size;
  } catch (error) {
    throw storeFailureOf(error, file);
  }
}
