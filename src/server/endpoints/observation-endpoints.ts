/** Overview and change stream: extensions of the contract, read-only. */
import { failure } from "../../api/errors.ts";
import type { Lockd } from "../../api/lockd.ts";
import type { Overview, OverviewLease } from "../../api/observation.ts";
import type { QueueSummary } from "../../api/queues.ts";
import type { TxnSummary } from "../../api/transactions.ts";
import { ChangeWriter } from "../change-writer.ts";
import type { Exchange } from "../exchange.ts";
import type { Routes } from "../route.ts";

async function overview(lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const { query } = exchange;
  const limit = query.get("limit");
  const answer = await lockd.observation.overview(
    {
      namespaces: (query.get("namespaces") ?? "").split(",").filter((text) => text.trim() !== ""),
      after: query.get("after"),
      limit: limit === undefined ? undefined : wholeNumber(limit),
      order: query.get("order"),
      filter: query.get("filter"),
    },
    exchange,
  );
  exchange.json(200, overviewJson(answer), []);
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw failure("invalid_observation", `the limit "${text.slice(0, 40)}" is not a whole number`);
}

function overviewJson(overview: Overview): string {
  const { counts } = overview;
  return JSON.stringify({
    version: overview.version,
    mode: "server",
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
  });
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

/** The stream ends when the client goes, and when the server drains. */
async function events(lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const { query } = exchange;
  const stream = await lockd.observation.changes(
    {
      namespace: query.get("namespace"),
      key: query.get("key"),
      prefix: query.get("prefix"),
      queue: query.get("queue"),
      txnId: query.get("txn"),
      // A browser's EventSource sends the header when it reconnects, and then it is the newer one.
      after: exchange.header("last-event-id") ?? query.get("after"),
      fromVersion: query.get("from_version"),
    },
    exchange,
  );
  const writer = new ChangeWriter(exchange);
  try {
    for await (const event of stream) await writer.write(event);
    writer.end();
  } finally {
    writer.stop();
    await stream.close();
  }
}

export const observationRoutes: Routes = {
  "/v1/x/overview": { operation: "x.overview", run: overview },
  "/v1/x/events": { operation: "x.events", run: events },
};
