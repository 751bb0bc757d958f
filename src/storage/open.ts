import type { Store } from "../engine/ports/store.ts";
import { parseStoreUrl } from "./store-url.ts";

export { backendHash } from "./backend-hash.ts";

/**
 * How a disk store is used: `shared` by several short-lived processes, or `exclusive` by one server
 * that owns it. A memory store is always exclusive.
 */
export type Gear = "shared" | "exclusive";

export interface OpenStoreOptions {
  readonly gear: Gear;
  /** Called with a stable event name for what an operator should know (copied directory, ...). */
  readonly onNotice?: (event: string, fields: Readonly<Record<string, string | number>>) => void;
}

/**
 * Opens the store of a URL, creating it when it does not exist. Each adapter is loaded when used.
 * @throws invalid_store, store_unusable, store_owned, store_version_unknown
 */
export async function openStore(url: string, options: OpenStoreOptions): Promise<Store> {
  const parsed = parseStoreUrl(url);
  if (parsed.kind === "memory") {
    const { MemoryStore } = await import("./memory/memory-store.ts");
    return new MemoryStore();
  }
  const { openDiskStore } = await import("./disk/open-disk-store.ts");
  return openDiskStore({ directory: parsed.directory, ...options });
}
