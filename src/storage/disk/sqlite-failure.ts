import { StoreFailure, type StoreFailureKind } from "../../engine/ports/store.ts";

/** Result code of SQLite (or errno of Node) at the start of the error's code -> what it means. */
const kinds: readonly (readonly [string, StoreFailureKind])[] = [
  ["SQLITE_BUSY", "unavailable"],
  ["SQLITE_LOCKED", "unavailable"],
  ["SQLITE_FULL", "full"],
  ["SQLITE_READONLY", "read_only"],
  ["SQLITE_PERM", "read_only"],
  ["SQLITE_CORRUPT", "corrupt"],
  ["SQLITE_NOTADB", "corrupt"],
  ["SQLITE_IOERR", "failed"],
  ["SQLITE_CANTOPEN", "read_only"],
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["EMFILE", "full"],
  ["ENFILE", "full"],
  ["EROFS", "read_only"],
  ["EACCES", "read_only"],
  ["EPERM", "read_only"],
  ["EIO", "failed"],
];

/** The error's code text, empty when it has none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
}

/** A failed call of SQLite or of the file system as the port's failure; `what` names the place. */
export function storeFailureOf(error: unknown, what: string): StoreFailure {
  if (error instanceof StoreFailure) return error;
  const code = codeOf(error);
  const kind = kinds.find(([prefix]) => code.startsWith(prefix))?.[1] ?? "failed";
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreFailure(kind, `${what}: ${reason}`, { cause: error });
}
