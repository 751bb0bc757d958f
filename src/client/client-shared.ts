import type { Lockd } from "../api/lockd.ts";
import { type AnswerHeaders, isDraining } from "./answer-headers.ts";
import type { ResolvedSessionOptions } from "./client-options.ts";
import { ParsedSelectors } from "./query/parsed-selectors.ts";
import type { ExtendingCarrier } from "./queue/extending-protocol.ts";
import { ExtendingThread } from "./queue/extending-thread.ts";
import type { Session } from "./session.ts";

/** Told of every answer of a server. */
export type AnswerListener = (endpoint: string, headers: AnswerHeaders) => void;

/** What a client and its views with another correlation id have in common. */
export class ClientShared {
  readonly lockd: Lockd;
  readonly options: ResolvedSessionOptions;
  readonly sessions = new Set<Session>();
  readonly tokens = new Map<string, number>();
  /** Run when the client closes: consumers and the like. */
  readonly closers = new Set<() => Promise<void>>();
  readonly extending: ExtendingThread | undefined;
  readonly selectors = new ParsedSelectors();
  readonly #warned = new Set<string>();
  namespace: string;
  stickyLeaseId: string | undefined;
  closed: Promise<void> | undefined;

  constructor(
    open: (onAnswer: AnswerListener) => Lockd,
    options: ResolvedSessionOptions,
    extending?: ExtendingCarrier,
  ) {
    this.options = options;
    this.extending = extending === undefined ? undefined : new ExtendingThread(extending);
    this.namespace = options.namespace;
    this.lockd = open((endpoint, headers) => this.#answered(endpoint, headers));
  }

  forget(leaseId: string): void {
    this.tokens.delete(leaseId);
    if (this.stickyLeaseId === leaseId) this.stickyLeaseId = undefined;
  }

  /** A warning about the server, which does not get truer by being repeated. */
  warnOnce(event: string, fields: Record<string, unknown>): void {
    if (this.#warned.has(event)) return;
    this.#warned.add(event);
    this.options.logger.warn(event, fields);
  }

  #answered(endpoint: string, headers: AnswerHeaders): void {
    if (!this.options.drainAware || !isDraining(headers)) return;
    for (const session of this.sessions) {
      if (session.endpoint !== endpoint) continue;
      session.drain().catch((error: unknown) => {
        const fields = { endpoint, key: session.key, error: String(error) };
        this.options.logger.warn("client.drain.release_failed", fields);
      });
    }
  }
}
