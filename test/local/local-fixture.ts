import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { LocalLockd } from "../../src/local/local-lockd.ts";

export const request = { key: "orders/1", owner: "w1", ttlSeconds: 30 };

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A store directory that is removed after the test. */
export async function storeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "lockd-local-"));
  cleanups.push(() => rm(directory, { recursive: true }));
  return directory;
}

/** A `Lockd` of that directory, closed after the test, and the carriers it has used. */
export function localLockd(directory: string): { lockd: LocalLockd; carriers: string[] } {
  const carriers: string[] = [];
  const lockd = new LocalLockd({
    store: `disk://${directory}`,
    onCarrier: (carrier) => carriers.push(carrier),
    // Limits a keepalive too: enough for a busy machine.
    owner: { closeTimeoutMs: 1_000 },
  });
  cleanups.push(() => lockd.close());
  return { lockd, carriers };
}
