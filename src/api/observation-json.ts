/** The JSON form of overviews and events: snake_case, times in Unix seconds unless named. */
import type { ChangeEvent, Overview, OverviewLease } from "./observation.ts";
import type { QueueSummary } from "./queues.ts";
import type { TxnSummary } from "./transactions.ts";

/** An overview as it goes over the wire and as programs get it from the command line. */
export function overviewJson(overview: Overview) {
  const { counts } = overview;
  return {
    version: overview.version,
    mode: overview.mode,
    store: overview.store,
    uptime_ms: Math.round(overview.uptimeMs),
    draining: overview.draining,
    now_unix_ms: Math.round(overview.nowUnixMs),
    counts: {
      keys_held: counts.keysHeld,
      keys_matching: counts.keysMatching,
      staged: counts.staged,
      live_leases: counts.liveLeases,
      waiters: counts.waiters,
    },
    complete: overview.complete,
    leases: overview.leases.map(leaseJson),
    cursor: overview.cursor,
    queues: overview.queues.map(queueJson),
    more_queues: overview.moreQueues,
    txns: overview.transactions.map(txnJson),
    more_txns: overview.moreTransactions,
    tc: overview.tc,
    qrf_state: overview.qrfState,
    trouble: overview.trouble,
  };
}

function leaseJson(lease: OverviewLease) {
  return {
    namespace: lease.namespace,
    key: lease.key,
    owner: lease.owner,
    lease_id: lease.leaseId,
    txn_id: lease.txnId,
    fencing_token: lease.fencingToken,
    acquired_at_unix: lease.acquiredAtUnix,
    expires_at_unix: lease.expiresAtUnix,
    ttl_ms: lease.ttlMs,
    remaining_ms: Math.round(lease.remainingMs),
    waiters: lease.waiters,
    version: lease.version,
    staged: lease.staged,
  };
}

function queueJson(queue: QueueSummary) {
  return {
    namespace: queue.namespace,
    queue: queue.queue,
    ready: queue.ready,
    delayed: queue.delayed,
    in_flight: queue.inFlight,
    dead: queue.dead,
    oldest_age_seconds: queue.oldestAgeSeconds,
    at_least: queue.atLeast,
  };
}

function txnJson(txn: TxnSummary) {
  return {
    txn_id: txn.txnId,
    state: txn.state,
    participants: txn.participants.map(({ namespace, key, backendHash, applied }) => ({
      namespace,
      key,
      backend_hash: backendHash,
      applied,
    })),
    created_at_unix: txn.createdAtUnix,
    updated_at_unix: txn.updatedAtUnix,
    expires_at_unix: txn.expiresAtUnix,
    tc_term: txn.tcTerm,
    in_doubt: txn.inDoubt,
  };
}

/** An event without its id, which stands beside it. */
export function changeJson(event: ChangeEvent) {
  return {
    kind: event.kind,
    at_unix_ms: event.atUnixMs,
    namespace: event.namespace,
    key: event.key,
    queue: event.queue,
    message_id: event.messageId,
    owner: event.owner,
    lease_id: event.leaseId,
    txn_id: event.txnId,
    fencing_token: event.fencingToken,
    expires_at_unix: event.expiresAtUnix,
    version: event.version,
    state_etag: event.stateEtag,
    outcome: event.outcome,
    missed: event.missed,
    coalesced: event.coalesced,
  };
}
