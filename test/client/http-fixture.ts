import { afterEach } from "vitest";
import type { HttpLibrary } from "../../src/client/connections.ts";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import type { HttpLockdOptions } from "../../src/client/http-options.ts";
import { type Script, ScriptedServer } from "../support/scripted-server.ts";

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let httpLibrary: HttpLibrary = "undici";

/** What the carriers of this test file send their requests with. */
export function useHttpLibrary(used: HttpLibrary): void {
  httpLibrary = used;
}

/** Closed after the test. */
export async function serve(script: Script): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(script);
  cleanups.push(() => server.close());
  return server;
}

/** A carrier with fixed endpoint order, closed after the test. */
export function carrier(
  endpoints: string | string[],
  options: Omit<Partial<HttpLockdOptions>, "endpoints"> = {},
): HttpLockd {
  const lockd = new HttpLockd({
    endpoints,
    shuffle: false,
    closeTimeoutMs: 50,
    httpLibrary,
    ...options,
  });
  cleanups.push(() => lockd.close());
  return lockd;
}

/** The error a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}

export const leaseAnswer = {
  namespace: "default",
  key: "orders/1",
  owner: "w1",
  lease_id: "c5v9d0sl70b3m3q8ndg0",
  txn_id: "c5v9d0sl70b3m3q8ndgg",
  expires_at_unix: 1_700_000_030,
  version: 3,
  state_etag: "e3",
  fencing_token: 7,
  correlation_id: "cid-1",
};

export const updateAnswer = { new_version: 4, new_state_etag: "e4", bytes: 7, metadata: {} };

/** A held lease as an address. */
export const lease = {
  key: "orders/1",
  leaseId: "c5v9d0sl70b3m3q8ndg0",
  txnId: "c5v9d0sl70b3m3q8ndgg",
  fencingToken: 7,
};
