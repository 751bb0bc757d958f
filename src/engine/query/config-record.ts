/** A namespace's configuration as it is stored: JSON with a version, under `n/<namespace>`. */
import type { FallbackEngine, QueryEngine } from "../../api/queries.ts";
import { StoreFailure } from "../ports/store.ts";

const formatVersion = 1;

export interface StoredConfig {
  readonly preferredEngine: QueryEngine;
  readonly fallbackEngine: FallbackEngine;
  /** Of the write that made it; never used twice. */
  readonly etag: string;
}

export function configName(namespace: string): string {
  return `n/${namespace}`;
}

export function encodeConfig(config: StoredConfig): Uint8Array {
  return Buffer.from(JSON.stringify({ v: formatVersion, ...config }));
}

/** @throws StoreFailure "corrupt", also for a version that this lockd does not know */
export function decodeConfig(name: string, bytes: Uint8Array): StoredConfig {
  let stored: Partial<StoredConfig & { readonly v: unknown }>;
  try {
    stored = JSON.parse(Buffer.from(bytes).toString()) as typeof stored;
  } catch (cause) {
    throw new StoreFailure("corrupt", `${name}: not a namespace configuration`, { cause });
  }
  const { v, preferredEngine, fallbackEngine, etag } = stored;
  if (v !== formatVersion) {
    throw new StoreFailure("corrupt", `${name}: format ${String(v)} is unknown to this lockd`);
  }
  const isKnown = isEngine(preferredEngine) && isFallback(fallbackEngine);
  if (!isKnown || typeof etag !== "string") {
    throw new StoreFailure("corrupt", `${name}: fields are missing or unknown`);
  }
  return { preferredEngine, fallbackEngine, etag };
}

export function isEngine(word: unknown): word is QueryEngine {
  return word === "index" || word === "scan";
}

export function isFallback(word: unknown): word is FallbackEngine {
  return word === "scan" || word === "none";
}
