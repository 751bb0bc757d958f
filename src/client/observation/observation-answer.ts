/** Reads overviews and events off the wire. */
import { LockdProtocolError } from "../../api/errors.ts";
import {
  type ChangeEvent,
  type ChangeKind,
  changeKinds,
  type NamesAnswer,
  type Overview,
  type OverviewLease,
  type OverviewTrouble,
} from "../../api/observation.ts";
import type { QueueSummary } from "../../api/queues.ts";
import type { TxnState, TxnSummary } from "../../api/transactions.ts";
import type { EndpointAnswer } from "../failover.ts";
import { JsonAnswer } from "../json-answer.ts";
import { atLeastOf } from "../queue/queue-wire-answer.ts";
import type { SentEvent } from "./event-lines.ts";

export function overviewAnswer({ body }: EndpointAnswer): Overview {
  if (!(body instanceof Uint8Array)) {
    throw new LockdProtocolError("protocol", "the overview is longer than any overview is");
  }
  const json = new JsonAnswer(body);
  const counts = json.object("counts") ?? new JsonAnswer({});
  return {
    version: json.textOr("version", undefined),
    mode: json.textOr("mode", "server") === "inline" ? "inline" : "server",
    store: json.textOr("store", ""),
    uptimeMs: json.millisecondsOr("uptime_ms", 0),
    draining: json.flag("draining") === true,
    nowUnixMs: json.millisecondsOr("now_unix_ms", 0),
    counts: {
      keysHeld: counts.integerOr("keys_held", 0),
      keysMatching: counts.integerOr("keys_matching", 0),
      staged: counts.integerOr("staged", 0),
      liveLeases: counts.integerOr("live_leases", 0),
      waiters: counts.integerOr("waiters", undefined),
    },
    complete: json.flag("complete") !== false,
    leases: json.list("leases").map(leaseOf),
    cursor: json.textOr("cursor", undefined),
    queues: json.list("queues").map(queueOf),
    moreQueues: json.flag("more_queues") === true,
    transactions: json.list("txns").map(txnOf),
    moreTransactions: json.flag("more_txns") === true,
    tc: { mode: "local" },
    qrfState: qrfStateOf(json.textOr("qrf_state", "")),
    trouble: json.list("trouble").map(troubleOf),
  };
}

export function namesAnswer({ body }: EndpointAnswer): NamesAnswer {
  if (!(body instanceof Uint8Array)) {
    throw new LockdProtocolError("protocol", "the list of names is longer than any is");
  }
  const json = new JsonAnswer(body);
  return { names: json.texts("names"), more: json.flag("more") === true };
}

function leaseOf(json: JsonAnswer): OverviewLease {
  return {
    namespace: json.text("namespace"),
    key: json.text("key"),
    owner: json.textOr("owner", ""),
    leaseId: json.textOr("lease_id", ""),
    txnId: json.textOr("txn_id", ""),
    fencingToken: json.integerOr("fencing_token", 0),
    acquiredAtUnix: json.integerOr("acquired_at_unix", 0),
    expiresAtUnix: json.integerOr("expires_at_unix", 0),
    ttlMs: json.integerOr("ttl_ms", undefined),
    remainingMs: json.millisecondsOr("remaining_ms", 0),
    waiters: json.integerOr("waiters", undefined),
    version: json.integerOr("version", 0),
    staged: json.flag("staged") === true,
  };
}

function queueOf(json: JsonAnswer): QueueSummary {
  return {
    namespace: json.text("namespace"),
    queue: json.text("queue"),
    ready: json.integerOr("ready", 0),
    delayed: json.integerOr("delayed", 0),
    inFlight: json.integerOr("in_flight", 0),
    dead: json.integerOr("dead", 0),
    oldestAgeSeconds: json.integerOr("oldest_age_seconds", undefined),
    ...atLeastOf(json),
  };
}

function txnOf(json: JsonAnswer): TxnSummary {
  return {
    txnId: json.text("txn_id"),
    state: txnStateOf(json.text("state")),
    participants: json.list("participants").map((participant) => ({
      namespace: participant.textOr("namespace", ""),
      key: participant.textOr("key", ""),
      backendHash: participant.textOr("backend_hash", ""),
      applied: participant.flag("applied") === true,
    })),
    createdAtUnix: json.integerOr("created_at_unix", 0),
    updatedAtUnix: json.integerOr("updated_at_unix", 0),
    expiresAtUnix: json.integerOr("expires_at_unix", 0),
    tcTerm: json.integerOr("tc_term", 0),
    inDoubt: json.flag("in_doubt") === true,
  };
}

function txnStateOf(text: string): TxnState {
  if (text === "pending" || text === "commit" || text === "rollback") return text;
  throw new LockdProtocolError("protocol", `"${text.slice(0, 40)}" is no state of a transaction`);
}

function qrfStateOf(text: string): Overview["qrfState"] {
  return text === "soft_arm" || text === "engaged" || text === "recovery" ? text : "disengaged";
}

function troubleOf(json: JsonAnswer): OverviewTrouble {
  const part = json.text("part");
  return {
    part: part === "queues" || part === "transactions" ? part : "leases",
    code: json.textOr("code", ""),
    detail: json.textOr("detail", ""),
  };
}

/** undefined for kinds that this version does not know (a newer server's). */
export function changeOf({ id, data }: SentEvent): ChangeEvent | undefined {
  const json = new JsonAnswer(Buffer.from(data));
  const name = json.text("kind");
  const kind = changeKinds.find((known): known is ChangeKind => known === name);
  if (kind === undefined) return undefined;
  return {
    id,
    kind,
    atUnixMs: json.millisecondsOr("at_unix_ms", 0),
    namespace: json.textOr("namespace", undefined),
    key: json.textOr("key", undefined),
    queue: json.textOr("queue", undefined),
    messageId: json.textOr("message_id", undefined),
    owner: json.textOr("owner", undefined),
    leaseId: json.textOr("lease_id", undefined),
    txnId: json.textOr("txn_id", undefined),
    fencingToken: json.integerOr("fencing_token", undefined),
    expiresAtUnix: json.integerOr("expires_at_unix", undefined),
    version: json.integerOr("version", undefined),
    stateEtag: json.textOr("state_etag", undefined),
    outcome: json.textOr("outcome", undefined),
    missed: json.integerOr("missed", undefined),
    coalesced: json.flag("coalesced") === true ? true : undefined,
  };
}
