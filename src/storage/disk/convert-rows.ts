import { StoreFailure } from "../../engine/ports/store.ts";
import type { OpenStoreOptions } from "../open.ts";
import { CommitOutcomeUnknown, type SqliteRows } from "./sqlite-rows.ts";
import { whenFree } from "./when-free.ts";

/**
 * Gives the objects of an older store the layout of new ones; it costs about as much as writing
 * them once. For the owner of the directory only. A store that has no room for it, or that somebody
 * keeps busy, stays as it is: it works as before, and the next opener tries again.
 * @throws StoreFailure when the disk itself fails
 */
export async function convertRows(
  directory: string,
  rows: Pick<SqliteRows, "hasRowIds" | "giveRowIds">,
  onNotice: OpenStoreOptions["onNotice"],
): Promise<void> {
  if (rows.hasRowIds) return;
  onNotice?.("storage.disk.converting", { directory });
  try {
    await whenFree(() => rows.giveRowIds());
  } catch (caught) {
    // Whether it is converted is no matter, whichever it is is right; that the disk fails is.
    const error = caught instanceof CommitOutcomeUnknown ? caught.failure : caught;
    if (!(error instanceof StoreFailure) || !mayStayAsItIs(error)) throw error;
    onNotice?.("storage.disk.not_converted", { directory, reason: error.message });
    return;
  }
  onNotice?.("storage.disk.converted", { directory });
}

function mayStayAsItIs({ kind }: StoreFailure): boolean {
  return kind === "full" || kind === "unavailable";
}
