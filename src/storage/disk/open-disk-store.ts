import path from "node:path";
import type { Store } from "../../engine/ports/store.ts";
import { makeDirectory } from "../make-directory.ts";
import type { OpenStoreOptions } from "../open.ts";
import { errorOfStore } from "../store-unusable.ts";
import { ContentFiles } from "./content-files.ts";
import { segmentsIn } from "./journal/read-segment.ts";
import { markDatabaseMade, refuseLostDatabase } from "./lost-database.ts";
import {
  clearClaim,
  noteWhereabouts,
  OwnerLock,
  ownedElsewhere,
  readClaim,
  writeClaim,
} from "./ownership.ts";
import { SharedStore } from "./shared-store.ts";
import { storeFailureOf } from "./sqlite-failure.ts";
import { SqliteRows } from "./sqlite-rows.ts";
import { whenFree } from "./when-free.ts";

export interface OpenDiskOptions extends OpenStoreOptions {
  readonly directory: string;
}

/**
 * Opens a disk store in the gear asked for, after finishing what a dead owner left behind.
 * @throws store_unusable, store_owned, store_version_unknown
 */
export async function openDiskStore(options: OpenDiskOptions): Promise<Store> {
  const { directory } = options;
  try {
    makeStoreDirectory(directory);
    refuseLostDatabase(directory);
    // Others may be creating, closing or recovering it at this very moment.
    const rows = await whenFree(() => SqliteRows.open({ path: path.join(directory, "lockd.db") }));
    try {
      markDatabaseMade(directory);
      const copied = await whenFree(() => noteWhereabouts(rows));
      if (copied) options.onNotice?.("storage.disk.copied", { directory });
      return options.gear === "exclusive"
        ? await openOwned(options, rows)
        : await openShared(options, rows);
    } catch (error) {
      rows.close();
      throw error;
    }
  } catch (error) {
    throw errorOfStore(directory, error);
  }
}

function makeStoreDirectory(directory: string): void {
  try {
    makeDirectory(directory, 0o755);
  } catch (error) {
    throw storeFailureOf(error, directory);
  }
}

async function openShared(options: OpenDiskOptions, rows: SqliteRows): Promise<Store> {
  const { directory } = options;
  const content = new ContentFiles(directory);
  const takeOver = (): Promise<boolean> => finishForDeadOwner(directory, rows);
  // A live owner is no reason to refuse: reading works, writing will say who owns the store.
  if (readClaim(rows) !== undefined || segmentsIn(directory).length > 0) await takeOver();
  return new SharedStore({ directory, rows, content, takeOver });
}

/** Replays a dead owner's journal and clears its claim; false when the owner lives. */
async function finishForDeadOwner(directory: string, rows: SqliteRows): Promise<boolean> {
  const lock = OwnerLock.tryTake(directory);
  if (lock === undefined) return false;
  try {
    await whenFree(() => recover(directory, rows));
    await whenFree(() => clearClaim(rows));
    return true;
  } finally {
    lock.release();
  }
}

async function recover(directory: string, rows: SqliteRows): Promise<void> {
  const { recoverJournal } = await import("./journal/recover-journal.ts");
  await recoverJournal({ directory, rows });
}

async function openOwned(options: OpenDiskOptions, rows: SqliteRows): Promise<Store> {
  const { directory } = options;
  const lock = OwnerLock.tryTake(directory);
  if (lock === undefined) throw ownedElsewhere(directory, readClaim(rows));
  try {
    await whenFree(() => recover(directory, rows));
    const claim = { pid: process.pid, startedAtUnix: Math.floor(Date.now() / 1000) };
    await whenFree(() => writeClaim(rows, claim));
    const content = new ContentFiles(directory);
    await content.clean(Date.now());
    const { openExclusiveStore } = await import("./journal/exclusive-store.ts");
    return await openExclusiveStore({
      directory,
      rows,
      content,
      onClosed: (clean) => {
        // The claim of an owner that left a journal behind makes the next opener recover it.
        if (clean) clearClaim(rows);
        rows.close();
        lock.release();
      },
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}
