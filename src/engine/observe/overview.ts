/** One bounded answer to "how is it going". A part that fails is named; the others are good. */
import { LockdError } from "../../api/errors.ts";
import { normalizeNamespace } from "../../api/names.ts";
import type {
  Overview,
  OverviewLease,
  OverviewRequest,
  OverviewTrouble,
} from "../../api/observation.ts";
import type { QueueSummary } from "../../api/queues.ts";
import type { TxnSummary } from "../../api/transactions.ts";
import type { HeldKey } from "../lease/held-leases.ts";
import { overviewRowsMax } from "../limits.ts";
import type { ObservedEngine } from "./engine-observation.ts";
import type { KnownLeases } from "./known-leases.ts";
import { checkWindow, LeaseWindow, type WindowRequest } from "./lease-window.ts";
import { placeOf } from "./record-changes.ts";

interface Rows<Row> {
  readonly rows: readonly Row[];
  readonly more: boolean;
}

const noRows = { rows: [], more: false };

export class OverviewMaker {
  readonly #engine: ObservedEngine;
  readonly #known: KnownLeases;

  constructor(engine: ObservedEngine, known: KnownLeases) {
    this.#engine = engine;
    this.#known = known;
  }

  /** @throws invalid_observation, invalid_namespace */
  async make(request: OverviewRequest, uptimeMs: number): Promise<Overview> {
    const { options, room, draining, liveLeases } = this.#engine;
    const { store, clock, defaultNamespace } = options;
    const namespaces = (request.namespaces ?? []).map((raw) =>
      normalizeNamespace(raw, defaultNamespace),
    );
    const window = checkWindow(request, namespaces.length === 0 ? undefined : namespaces);
    const trouble: OverviewTrouble[] = [];
    const [leases, queues, transactions] = await Promise.all([
      this.#leases(window, trouble),
      tried("queues", trouble, () => this.#queues(namespaces)),
      tried("transactions", trouble, () => this.#transactions(trouble)),
    ]);
    const { selection } = leases;
    const { keys, cursor } = selection.rows;
    return {
      version: options.version,
      mode: "inline",
      store: store.label,
      uptimeMs,
      draining: draining(),
      nowUnixMs: clock.wallMs(),
      counts: {
        keysHeld: selection.keysHeld,
        keysMatching: selection.keysMatching,
        staged: selection.staged,
        liveLeases: liveLeases(),
        waiters: store.capabilities.exclusive ? room.total : undefined,
      },
      complete: leases.complete,
      leases: keys.map((key) => this.#row(key)),
      cursor,
      queues: queues.rows,
      moreQueues: queues.more,
      transactions: transactions.rows,
      moreTransactions: transactions.more,
      tc: { mode: "local" },
      qrfState: "disengaged",
      trouble,
    };
  }

  async #leases(request: WindowRequest, trouble: OverviewTrouble[]) {
    const nowUnix = Math.floor(this.#engine.options.clock.wallMs() / 1000);
    const selection = new LeaseWindow(request, nowUnix);
    try {
      const complete = await this.#known.visit((key) => selection.offer(key));
      return { selection, complete };
    } catch (error) {
      trouble.push(troubleOf("leases", error));
      return { selection, complete: false };
    }
  }

  #row({ name, lease, version, staged, ttlSeconds }: HeldKey): OverviewLease {
    const { options, room } = this.#engine;
    const { clock, store } = options;
    const { namespace, key } = placeOf(name, 0);
    return {
      namespace,
      key,
      owner: lease.owner,
      leaseId: lease.id,
      txnId: lease.txnId,
      fencingToken: lease.fencingToken,
      acquiredAtUnix: lease.acquiredAtUnix,
      expiresAtUnix: lease.expiresAtUnix,
      ttlMs: ttlSeconds === undefined ? undefined : ttlSeconds * 1000,
      remainingMs: Math.max(0, lease.expiresAtUnix * 1000 - clock.wallMs()),
      waiters: store.capabilities.exclusive ? room.waiting(name) : undefined,
      version,
      staged,
    };
  }

  /** Of several namespaces each gets its share, so that one full of queues hides no other. */
  async #queues(namespaces: readonly string[]): Promise<Rows<QueueSummary>> {
    const queues = this.#engine.queues();
    if (queues === undefined) return noRows;
    const asked: readonly (string | undefined)[] =
      namespaces.length === 0 ? [undefined] : namespaces.slice(0, overviewRowsMax);
    const limit = Math.floor(overviewRowsMax / asked.length);
    const pages = await Promise.all(asked.map((namespace) => queues.list({ namespace, limit })));
    return {
      rows: pages.flatMap((page) => page.queues),
      more: pages.some(({ cursor }) => cursor !== undefined) || asked.length < namespaces.length,
    };
  }

  /** A damaged one is told of and does not hide the others. */
  async #transactions(trouble: OverviewTrouble[]): Promise<Rows<TxnSummary>> {
    const transactions = this.#engine.transactions();
    if (transactions === undefined) return noRows;
    const page = await transactions.list({ limit: overviewRowsMax });
    for (const { detail } of page.damaged) {
      trouble.push({ part: "transactions", code: "store_corrupt", detail });
    }
    return { rows: page.transactions, more: page.cursor !== undefined };
  }
}

async function tried<Row>(
  part: OverviewTrouble["part"],
  trouble: OverviewTrouble[],
  list: () => Promise<Rows<Row>>,
): Promise<Rows<Row>> {
  try {
    return await list();
  } catch (error) {
    trouble.push(troubleOf(part, error));
    return noRows;
  }
}

/** An expected failure; anything else is a bug and goes on. */
function troubleOf(part: OverviewTrouble["part"], error: unknown): OverviewTrouble {
  if (!(error instanceof LockdError)) throw error;
  return { part, code: error.code, detail: error.message };
}
