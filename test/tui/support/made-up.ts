/** Lockds that are made up: the same every time, as large as wanted, and failing when told to. */
import type { QueueSummary } from "../../../src/api/queues.ts";
import type { TxnSummary } from "../../../src/api/transactions.ts";
import type {
  Action,
  DashboardSource,
  Detail,
  Happening,
  LeaseRow,
  Look,
  LookRequest,
  Subject,
} from "../../../src/tui/source/dashboard-source.ts";

/** 2026-11-27T12:00:00Z. */
export const madeUpNowMs = 1_795_780_800_000;

const nowSeconds = madeUpNowMs / 1000;

export function madeUpLease(at: number, more: Partial<LeaseRow> = {}): LeaseRow {
  const number = String(at).padStart(6, "0");
  return {
    namespace: at % 3 === 0 ? "billing" : "default",
    key: at % 7 === 0 ? `reports/2026/quarterly/consolidated/${number}` : `order-${number}`,
    owner: `worker-${(at % 5) + 1}-${4_711 + (at % 5)}`,
    leaseId: `dc2n19irpqc3go${number}`,
    txnId: `dc2n19irpqc3gp${number}`,
    fencingToken: 1 + at * 3,
    acquiredAtUnix: nowSeconds - 20 - at,
    remainingMs: 2_000 + at * 1_500,
    waiters: at % 4 === 0 ? at % 9 : 0,
    version: at % 6,
    staged: at % 5 === 2,
    ...more,
  };
}

function madeUpQueue(queue: string, counts: readonly number[], oldest?: number): QueueSummary {
  const [ready = 0, delayed = 0, inFlight = 0, dead = 0] = counts;
  return { namespace: "default", queue, ready, delayed, inFlight, dead, oldestAgeSeconds: oldest };
}

export const madeUpQueues: readonly QueueSummary[] = [
  madeUpQueue("emails", [1_204, 3, 8, 2], 95),
  madeUpQueue("thumbnails", [0, 0, 64, 0]),
  madeUpQueue("invoices-to-be-sent-at-the-end-of-the-month", [12, 480, 0, 0], 4_000),
  madeUpQueue("webhooks", [250_000, 0, 16, 1_310], 90_061),
];

function madeUpTransaction(at: number, more: Partial<TxnSummary>): TxnSummary {
  const participant = (key: string, applied: boolean) => ({
    namespace: "default",
    key,
    backendHash: "3f1c",
    applied,
  });
  return {
    txnId: `dc2n19irpqc3gq00000${at}`,
    state: "pending",
    participants: [participant("orders", false), participant(`stock-${at}`, at % 2 === 0)],
    createdAtUnix: nowSeconds - 12 - at * 60,
    updatedAtUnix: nowSeconds - 6,
    expiresAtUnix: nowSeconds + 45 - at * 30,
    tcTerm: 0,
    inDoubt: false,
    ...more,
  };
}

export const madeUpTransactions: readonly TxnSummary[] = [
  madeUpTransaction(0, {}),
  madeUpTransaction(1, { state: "commit" }),
  madeUpTransaction(2, { inDoubt: true }),
];

export function madeUpEvents(count: number, from = 0): readonly Happening[] {
  const kinds = ["lease_granted", "state_committed", "lease_released", "queue_enqueued"];
  return Array.from({ length: count }, (_, index): Happening => {
    const at = from + index;
    const kind = kinds[at % kinds.length] ?? "";
    const lease = madeUpLease(at);
    const common = { id: String(at), kind, atUnixMs: madeUpNowMs - 60_000 + at * 700 };
    if (kind === "queue_enqueued") {
      const messageId = `0192f0c1-7c1e-7000-8000-${String(at).padStart(12, "0")}`;
      return { ...common, namespace: "default", queue: "emails", messageId };
    }
    const { namespace, key, owner, txnId, fencingToken } = lease;
    const version = kind === "state_committed" ? at : undefined;
    return { ...common, namespace, key, owner, txnId, fencingToken, version };
  });
}

export function madeUpLook(more: Partial<Look> = {}): Look {
  const leases = more.leases ?? Array.from({ length: 12 }, (_, at) => madeUpLease(at));
  return {
    version: "0.1.0",
    mode: "server",
    store: "disk:///var/lib/lockd",
    uptimeMs: 3_725_000,
    draining: false,
    nowUnixMs: madeUpNowMs,
    counts: {
      keysHeld: leases.length,
      keysMatching: leases.length,
      staged: leases.filter(({ staged }) => staged).length,
      liveLeases: leases.length + 88,
      waiters: leases.reduce((sum, { waiters = 0 }) => sum + waiters, 0),
    },
    complete: true,
    leases,
    cursor: undefined,
    queues: madeUpQueues,
    moreQueues: false,
    transactions: madeUpTransactions,
    moreTransactions: false,
    tc: { mode: "local" },
    qrfState: "disengaged",
    trouble: [],
    ...more,
  };
}

export interface MadeUpOptions {
  /** Keys held. */
  readonly keys?: number;
  /** Looks that succeed before all others fail. */
  readonly goodLooks?: number;
  readonly events?: number;
  readonly tells?: boolean;
  /** Its queues cannot be had. */
  readonly withoutQueues?: boolean;
}

export class MadeUpSource implements DashboardSource {
  readonly #options: MadeUpOptions;
  looks = 0;
  readonly requests: LookRequest[] = [];
  readonly actions: Action[] = [];

  constructor(options: MadeUpOptions = {}) {
    this.#options = options;
  }

  async look(request: LookRequest): Promise<Look> {
    this.looks += 1;
    this.requests.push(request);
    const { keys = 12, goodLooks = Number.POSITIVE_INFINITY } = this.#options;
    if (this.looks > goodLooks) throw new Error("connect ECONNREFUSED 127.0.0.1:9341");
    const from = request.after === undefined ? 0 : Number(request.after);
    const to = Math.min(keys, from + request.limit);
    const leases = Array.from({ length: to - from }, (_, at) => madeUpLease(from + at));
    const look = madeUpLook({ leases, cursor: to < keys ? String(to) : undefined });
    const counts = { ...look.counts, keysHeld: keys, keysMatching: keys, staged: 2, waiters: 17 };
    const whole = { ...look, counts: { liveLeases: keys + 88, ...counts } };
    if (this.#options.withoutQueues !== true) return whole;
    const detail = "the store is busy; try again";
    const trouble = [{ part: "queues", code: "store_unavailable", detail }] as const;
    return { ...whole, queues: [], trouble };
  }

  async follow(_: unknown, signal: AbortSignal): Promise<AsyncIterable<Happening> | undefined> {
    const { events = 0, tells = true } = this.#options;
    return tells ? told(events, signal) : undefined;
  }

  async detail(subject: Subject): Promise<Detail> {
    const name = subject.kind === "key" ? subject.key : "";
    const state = { name, step: 3, "text with \u001b[31mcolour": "\u0007", list: [1, 2.5, null] };
    return {
      facts: [
        ["held by", "worker-1-4711"],
        ["token", "42"],
        ["version", "17"],
      ],
      heading: "committed state, 74 bytes",
      lines: JSON.stringify(state, undefined, 2).split("\n"),
    };
  }

  async act(action: Action): Promise<string> {
    this.actions.push(action);
    return `${action.kind} done`;
  }
}

async function* told(count: number, signal: AbortSignal): AsyncIterable<Happening> {
  yield* madeUpEvents(count);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
