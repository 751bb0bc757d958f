/**
 * lockd for programs: exclusive leases with fencing tokens and JSON state with compare-and-swap,
 * over a store on this machine (`openLockd`) or over servers (`connect`). Importing this module
 * opens nothing; engine, store and HTTP code are loaded when they are first needed.
 */
import type { Lockd } from "./api/lockd.ts";
import { clientOver } from "./client/client.ts";
import type { AnswerListener } from "./client/client-shared.ts";
import { activeTraceContext } from "./client/trace-context.ts";
import type { LockdClient, SessionOptions } from "./client/types.ts";

export * from "./api/errors.ts";
export type * as wire from "./api/lockd.ts";
export type { Lockd } from "./api/lockd.ts";
export type * as queueWire from "./api/queues.ts";
export type * from "./client/attachment-types.ts";
export { createClient, createClient as connect, withCorrelation } from "./client/client.ts";
export { isValidCorrelationId } from "./client/correlation-id.ts";
export { Document, type DocumentInput } from "./client/document.ts";
export { type Endpoint, type EndpointOptions, parseEndpoints } from "./client/endpoints.ts";
export {
  isAlreadyExists,
  isLeaseLost,
  isNodePassive,
  isRetryable,
} from "./client/error-tests.ts";
export {
  acquire,
  acquireForUpdate,
  get,
  getBytes,
  keepAliveLease,
  mutate,
  release,
  releaseLease,
  remove,
  update,
  updateBytes,
  updateState,
  withLease,
  withTransaction,
} from "./client/free-functions.ts";
export { generateCorrelationId } from "./client/generate-correlation-id.ts";
export type * from "./client/observation/observation-types.ts";
export type * from "./client/query/query-types.ts";
export { runConsumers, startConsumers } from "./client/queue/consumer-group.ts";
export type * from "./client/queue/queue-types.ts";
export { parseRetryAfter } from "./client/retry-after.ts";
export type { TraceContext, TraceContextSource } from "./client/trace-context.ts";
export type * from "./client/txn/txn-types.ts";
export type * from "./client/types.ts";
export { matchSelector } from "./lql/match/match-selector.ts";
export {
  type ApplyOptions,
  applyMutations,
  type DocumentSource,
} from "./lql/mutation/apply-mutations.ts";
export type { FileMode, Mutation } from "./lql/mutation/mutation.ts";
export { type ParseMutationsOptions, parseMutations } from "./lql/mutation/parse-mutations.ts";
export { printMutation } from "./lql/mutation/print-mutation.ts";
export { parseSelector } from "./lql/selector/parse-selector.ts";
export type { Selector } from "./lql/selector/selector.ts";

/** A store on this machine and how to use it. */
export interface OpenOptions extends SessionOptions {
  /** Store URL: `disk:///var/lib/lockd`, or `mem://` for one that ends with the process. */
  store: string;
  /** Largest state in bytes; 100 MiB. */
  jsonBytesMax?: number | undefined;
  /** Lease time in ms when a renewal names none; 30 000. */
  defaultTtlMs?: number | undefined;
  /** Longest lease in ms; longer ones are clamped; 1 800 000. */
  maxTtlMs?: number | undefined;
}

/**
 * A client of a store on this machine. While a server owns the store, calls go through the server's
 * socket in the store directory; else this process does the work itself, safely beside others.
 *
 * @example
 *   await using lockd = await openLockd({ store: "disk:///var/lib/lockd" });
 *   await using lease = await lockd.acquire({ key: "orders", owner: "w1", ttlMs: 30_000 });
 *   await lease.save({ ...(await lease.loadOr({})), step: 2 });
 * @throws LockdError with code invalid_store, store_unusable or store_version_unknown
 */
export async function openLockd(options: OpenOptions): Promise<LockdClient> {
  const { LocalLockd } = await import("./local/local-lockd.ts");
  const { store, jsonBytesMax, defaultTtlMs, maxTtlMs, ...rest } = options;
  const seconds = (ms: number | undefined) =>
    ms === undefined ? undefined : Math.ceil(ms / 1_000);
  const local: { lockd?: InstanceType<typeof LocalLockd> } = {};
  const open = (onAnswer: AnswerListener): Lockd => {
    const { closeTimeoutMs, keepAliveTimeoutMs, clock, random } = rest;
    local.lockd = new LocalLockd({
      store,
      jsonBytesMax,
      clock,
      defaultTtlSeconds: seconds(defaultTtlMs),
      maxTtlSeconds: seconds(maxTtlMs),
      owner: {
        closeTimeoutMs,
        keepAliveTimeoutMs,
        random,
        onAnswer,
        traceContext: activeTraceContext,
      },
    });
    return local.lockd;
  };
  // A store in memory is this thread's own; others can reach any other store too.
  const alone = store.trim().toLowerCase().startsWith("mem:");
  const client = alone ? clientOver(open, rest) : clientOver(open, rest, { kind: "local", store });
  try {
    await local.lockd?.open();
  } catch (error) {
    await client.close();
    throw error;
  }
  return client;
}
