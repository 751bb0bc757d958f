/**
 * The name of an island: the hash that says which servers share one store
 * (transactions-and-islands.md section 11.1). It is kept in the store, so that a directory that is
 * moved stays the island it was; what was derived from the place is only the first proposal.
 *
 * The race it exists to win: two processes that open an empty store at once. The name is created
 * only where there is none, and whoever comes second takes the first one's.
 */
import { createHash } from "node:crypto";
import type { Random } from "../engine/ports/random.ts";
import type { Store } from "../engine/ports/store.ts";
import { parseStoreUrl, type StoreUrl } from "./store-url.ts";

/** The object that holds it. */
export const backendIdName = ".lockd/backend-id";

export interface BackendHashOptions {
  readonly store: Store;
  readonly storeUrl: string;
  readonly random: Random;
  /** Called with a stable event name when the name could not be read or kept. */
  readonly onNotice?: (event: string, fields: Readonly<Record<string, string | number>>) => void;
}

/** Never fails: what cannot be kept is derived from the place, and told. */
export async function backendHash(options: BackendHashOptions): Promise<string> {
  const { store, storeUrl, random, onNotice } = options;
  const parsed = parseStoreUrl(storeUrl);
  const candidate = derivedHash(parsed) ?? random.uuid();
  try {
    return await keptHash(store, candidate);
  } catch (error) {
    onNotice?.("backend.hash.unkept", { hash: candidate, error: String(error) });
    return parsed.kind === "memory" ? "" : candidate;
  }
}

/** undefined for a place without a name of its own. */
function derivedHash(url: StoreUrl): string | undefined {
  if (url.kind === "memory") return undefined;
  return createHash("sha256").update(`disk|${url.directory}`).digest("hex");
}

async function keptHash(store: Store, candidate: string): Promise<string> {
  const kept = await storedHash(store);
  if (kept !== undefined) return kept;
  const bytes = Buffer.from(candidate);
  const when = { kind: "absent" as const };
  const { kind } = await store.apply([{ kind: "put", name: backendIdName, bytes, when }]);
  if (kind === "applied") return candidate;
  // Somebody else was first, or nobody can say: what is there now is the name.
  const found = await storedHash(store);
  if (found === undefined) throw new Error("the name of the island could not be written");
  return found;
}

async function storedHash(store: Store): Promise<string | undefined> {
  const stored = await store.get(backendIdName);
  const text = stored === undefined ? "" : Buffer.from(stored.bytes).toString("utf8").trim();
  return text === "" ? undefined : text;
}
