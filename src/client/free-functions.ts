import { callOptions } from "./call-options.ts";
import type { Transaction, TransactionOptions } from "./txn/txn-types.ts";
import type {
  AcquireRequest,
  BodyInput,
  Call,
  CasOptions,
  LeaseIds,
  LeaseSession,
  LockdClient,
  MutateOptions,
  StateAccess,
  StateSnapshot,
  UpdateContext,
  UpdateOptions,
  UpdateResult,
} from "./types.ts";

/** As `client.acquire`. */
export function acquire(
  client: LockdClient,
  request: AcquireRequest,
  o?: Call,
): Promise<LeaseSession> {
  return client.acquire(request, o);
}

/** As `client.acquireForUpdate` with a handler. */
export function acquireForUpdate<T>(
  client: LockdClient,
  request: AcquireRequest,
  ...[handler, o]: [
    handler: (context: UpdateContext) => Promise<T>,
    o?: Call<{ retryHandler?: boolean | undefined }>,
  ]
): Promise<T> {
  return client.acquireForUpdate(request, handler, o);
}

/** As `session.get`. */
export function get(session: StateAccess, o?: Call): Promise<StateSnapshot> {
  return session.get(o);
}

/** As `session.getBytes`. */
export function getBytes(session: StateAccess, o?: Call): Promise<Uint8Array | null> {
  return session.getBytes(o);
}

/** As `session.update`. */
export function update(
  session: StateAccess,
  body: BodyInput,
  o?: Call<UpdateOptions>,
): Promise<UpdateResult> {
  return session.update(body, o);
}

/** As `session.updateBytes`. */
export function updateBytes(
  session: StateAccess,
  body: Uint8Array,
  o?: Call<UpdateOptions>,
): Promise<UpdateResult> {
  return session.updateBytes(body, o);
}

/** As `session.mutate`. */
export function mutate(
  session: StateAccess,
  lql: string | readonly string[],
  o?: Call<MutateOptions>,
): Promise<UpdateResult> {
  return session.mutate(lql, o);
}

/** As `session.remove`. */
export function remove(
  session: StateAccess,
  o?: Call<CasOptions>,
): Promise<{ removed: boolean; newVersion?: number }> {
  return session.remove(o);
}

/** As `session.release`. */
export function release(
  session: LeaseSession,
  o?: Call<{ rollback?: boolean | undefined }>,
): Promise<void> {
  return session.release(o);
}

/** Stages a state under a lease obtained elsewhere, without CAS conditions unless given. */
export async function updateState(
  client: LockdClient,
  ids: LeaseIds,
  ...[body, o]: [body: BodyInput, o?: Call<UpdateOptions>]
): Promise<UpdateResult> {
  return await attached(client, ids, (session) => session.update(body, o));
}

/** Gives back a lease obtained elsewhere. */
export async function releaseLease(
  client: LockdClient,
  ids: LeaseIds,
  o?: Call<{ rollback?: boolean | undefined }>,
): Promise<void> {
  await attached(client, ids, (session) => session.release(o));
}

/** Renews a lease obtained elsewhere; its new end. */
export async function keepAliveLease(
  client: LockdClient,
  ids: LeaseIds,
  o?: Call<{ ttlMs?: number | undefined }>,
): Promise<Date> {
  return await attached(client, ids, (session) => session.keepAlive(o));
}

/**
 * Runs `work` under a lease that is kept alive; commits when it resolves and rolls back when it
 * throws. It is never run twice.
 *
 * @example await withLease(client, { key: "jobs", owner: "w1", ttlMs: 30_000 }, async (held) => {
 *   await held.save({ done: true });
 * });
 */
export async function withLease<T>(
  client: LockdClient,
  request: AcquireRequest,
  ...[work, o]: [work: (session: LeaseSession) => Promise<T>, o?: Call]
): Promise<T> {
  const session = await client.acquire({ ...request, autoKeepAlive: true }, o);
  let value: T;
  try {
    value = await work(session);
  } catch (error) {
    // The lease ends by itself when this fails; the error of the work is the one that matters.
    await session.release({ rollback: true }).catch(() => {});
    throw error;
  }
  await session.release({ signal: callOptions(o).signal });
  return value;
}

/** As `client.transaction`. */
export function withTransaction<T>(
  client: LockdClient,
  work: (tx: Transaction) => Promise<T>,
  o?: Call<TransactionOptions>,
): Promise<T> {
  return client.transaction(work, o);
}

async function attached<T>(
  client: LockdClient,
  ids: LeaseIds,
  work: (session: LeaseSession) => Promise<T>,
): Promise<T> {
  const session = client.attachSession(ids);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
