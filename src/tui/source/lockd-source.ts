/** A lockd as the dashboard sees it. */
import type { Lockd } from "../../api/lockd.ts";
import { deadLetterCallsMax } from "../limits.ts";
import type {
  Action,
  DashboardSource,
  Detail,
  Failure,
  Happening,
  Look,
  LookRequest,
  Subject,
} from "./dashboard-source.ts";
import { keyDetail } from "./key-detail.ts";
import { lookAtParts } from "./look-at-parts.ts";
import { queueDetail } from "./queue-detail.ts";
import { transactionDetail } from "./transaction-detail.ts";

export interface AboutLockd {
  readonly mode: "inline" | "server";
  readonly store: string;
  readonly version: string | undefined;
}

export interface LockdSourceOptions {
  readonly lockd: Lockd;
  /** For lockds that do not tell it themselves. */
  readonly about: AboutLockd;
  readonly describe: (error: unknown) => Failure;
  readonly now: () => number;
}

/** Codes of servers that have never heard of what was asked for. */
const unknownRoutes = new Set(["not_found", "http_404", "http_405", "http_501"]);

export class LockdSource implements DashboardSource {
  readonly #options: LockdSourceOptions;

  constructor(options: LockdSourceOptions) {
    this.#options = options;
  }

  async look(request: LookRequest, signal: AbortSignal): Promise<Look> {
    const { lockd, describe } = this.#options;
    try {
      const look = await lockd.observation.overview(request, { signal });
      const { about } = this.#options;
      // An engine cannot know that it is served.
      const mode = about.mode === "server" ? "server" : look.mode;
      return { ...look, mode, version: look.version ?? about.version };
    } catch (error) {
      if (!unknownRoutes.has(describe(error).code)) throw error;
      return lookAtParts(this.#options, request, signal);
    }
  }

  async follow(
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Happening> | undefined> {
    const { lockd, describe } = this.#options;
    try {
      return await lockd.observation.changes({ after }, { signal });
    } catch (error) {
      if (unknownRoutes.has(describe(error).code)) return undefined;
      throw error;
    }
  }

  detail(subject: Subject, signal: AbortSignal): Promise<Detail> {
    const { lockd } = this.#options;
    switch (subject.kind) {
      case "key":
        return keyDetail(lockd, subject, signal);
      case "queue":
        return queueDetail(lockd, subject, signal);
      case "transaction":
        return transactionDetail(lockd.transactions, subject, signal);
    }
  }

  async act(action: Action, signal: AbortSignal): Promise<string> {
    const { lockd } = this.#options;
    if (action.kind === "release") {
      const { namespace, key, leaseId, txnId, fencingToken } = action.lease;
      const address = { namespace, key, leaseId, txnId, fencingToken };
      const { released } = await lockd.release({ ...address, rollback: true }, { signal });
      return released ? `released ${namespace}/${key}` : `${namespace}/${key} was free already`;
    }
    const { namespace, queue, kind } = action;
    let changed = 0;
    let cursor: string | undefined;
    for (let call = 0; call < deadLetterCallsMax; call += 1) {
      const selection = { namespace, queue, all: true, cursor };
      const step = await lockd.queues[kind](selection, { signal });
      changed += step.changed;
      cursor = step.cursor;
      // A server of before gives no cursor, and goes on from the start.
      if (!step.more || (cursor === undefined && step.changed === 0)) break;
    }
    const done = kind === "redrive" ? "put back" : "deleted";
    return `${done} ${changed} dead letters of ${namespace}/${queue}`;
  }
}
