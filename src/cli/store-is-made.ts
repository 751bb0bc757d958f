import { existsSync } from "node:fs";
import path from "node:path";
import { LockdError } from "../api/errors.ts";

/**
 * True when there is a store at this URL already: what only looks must not make one. False for
 * stores in memory, which nobody can look into, and for what is no store URL.
 */
export async function storeIsMade(storeUrl: string): Promise<boolean> {
  const { parseStoreUrl } = await import("../storage/store-url.ts");
  try {
    const parsed = parseStoreUrl(storeUrl);
    return parsed.kind === "disk" && existsSync(path.join(parsed.directory, "lockd.db"));
  } catch (error) {
    if (error instanceof LockdError) return false;
    throw error;
  }
}
