import { parseStoreUrl } from "./store-url.ts";

export interface StoreCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Why it failed. */
  readonly error?: string;
  /** What is worth knowing although it passed. */
  readonly info?: string;
}

export interface StoreReport {
  readonly store: string;
  readonly provider: "disk" | "mem";
  readonly checks: readonly StoreCheck[];
  readonly passed: boolean;
}

/**
 * Checks a store the way security-and-operations.md section 11 says. Leaves nothing behind and
 * does not disturb a server that owns the store.
 * @throws invalid_store
 */
export async function verifyStore(url: string): Promise<StoreReport> {
  const parsed = parseStoreUrl(url);
  if (parsed.kind === "memory") return { store: url, provider: "mem", checks: [], passed: true };
  const { diskChecks } = await import("./disk/disk-checks.ts");
  const checks = await diskChecks(parsed.directory);
  return { store: url, provider: "disk", checks, passed: checks.every(({ ok }) => ok) };
}
