import assert from "node:assert";
import { ServerDrainingError } from "../api/errors.ts";
import { AttachmentCalls } from "./attachment-calls.ts";
import type { AttachmentStore } from "./attachment-types.ts";
import { callOptions, positiveMs, wireSeconds } from "./call-options.ts";
import { KeepAliveTimer } from "./keep-alive-timer.ts";
import type { LeaseView } from "./lease-view.ts";
import { isOutcomeUnknown, type SessionCore } from "./session-core.ts";
import { releaseSession } from "./session-release.ts";
import { StateCalls } from "./state-calls.ts";
import type { Call, LeaseSession, StateSnapshot, UpdateSession } from "./types.ts";

/** How a session differs from the usual one. */
export interface SessionManner {
  /** False for leases obtained elsewhere: closing does not give them back. */
  readonly ownsLease: boolean;
  /** True when a handler runs under it: a draining server only aborts its signal. */
  readonly hasHandler: boolean;
}

/** A held lease: reads, changes, renewals and the way back (client-sdk.md section 5). */
export class Session extends StateCalls implements LeaseSession {
  rollbackOnDispose = false;
  readonly attachments: AttachmentStore;
  readonly #manner: SessionManner;
  readonly #view: LeaseView;
  #keepAlives: KeepAliveTimer | undefined;
  #releasing: Promise<void> | undefined;
  #releaseUnknown = false;
  #drained = false;

  constructor(core: SessionCore, manner: SessionManner) {
    super(core);
    this.#manner = manner;
    this.#view = core.view;
    this.attachments = new AttachmentCalls(core);
    const { correlationId } = core.view.facts;
    if (correlationId !== undefined) this.correlationId = correlationId;
  }

  readonly correlationId?: string;

  get namespace(): string {
    return this.#view.facts.namespace;
  }

  get key(): string {
    return this.#view.facts.key;
  }

  get leaseId(): string {
    return this.#view.facts.leaseId;
  }

  get txnId(): string {
    return this.#view.facts.txnId;
  }

  get owner(): string {
    return this.#view.facts.owner;
  }

  get endpoint(): string {
    return this.#view.facts.endpoint;
  }

  get expiresAt(): Date {
    return new Date(this.#view.expiresAtUnix * 1_000);
  }

  get raw(): { readonly expiresAtUnix: number } {
    return { expiresAtUnix: this.#view.expiresAtUnix };
  }

  get version(): number {
    return this.#view.version;
  }

  get stateEtag(): string {
    return this.#view.stateEtag;
  }

  get fencingToken(): number {
    return this.#view.fencingToken;
  }

  get released(): boolean {
    return this.core.over;
  }

  get signal(): AbortSignal {
    return this.core.abort.signal;
  }

  keepAlive(o?: Call<{ ttlMs?: number | undefined }>): Promise<Date> {
    return this.core.guarded("keep it alive", async () => {
      const { lockd, clock } = this.core;
      const { ttlMs } = callOptions(o);
      const ttlSeconds =
        ttlMs === undefined ? this.#view.facts.ttlSeconds : wireSeconds(positiveMs("ttlMs", ttlMs));
      const sentAtMs = clock.monotonicMs();
      const result = await lockd.keepAlive(
        { ...this.#view.address(), ttlSeconds },
        this.core.carrierCall(o),
      );
      this.#view.sawToken(result.fencingToken);
      this.#view.expiresAtUnix = result.expiresAtUnix;
      if (ttlSeconds !== undefined) this.#view.sureUntilMs = sentAtMs + (ttlSeconds - 1) * 1_000;
      return this.expiresAt;
    });
  }

  /** Renews by itself from now on; `failed` is told when a renewal fails. */
  startKeepAlive(ttlMs: number, failed?: (error: unknown) => void): void {
    const timer = new KeepAliveTimer({
      clock: this.core.clock,
      ttlMs,
      renew: () => this.keepAlive({ timeoutMs: this.core.keepAliveTimeoutMs }),
      failed: (error) => {
        failed?.(error);
        this.core.abort.abort(error);
      },
    });
    this.#keepAlives = timer;
    this.core.atEnd(() => void timer.stop());
    timer.start();
  }

  async stopKeepAlive(): Promise<void> {
    await this.#keepAlives?.stop();
  }

  release(o?: Call<{ rollback?: boolean | undefined }>): Promise<void> {
    if (this.core.over) return Promise.resolve();
    this.#releasing ??= this.#release(o).finally(() => {
      this.#releasing = undefined;
    });
    return this.#releasing;
  }

  async close(): Promise<void> {
    await this.#close(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(this.rollbackOnDispose);
  }

  /** The server announced its shutdown: give the lease back once, or tell the handler. */
  async drain(): Promise<void> {
    if (this.#drained || this.core.over) return;
    this.#drained = true;
    const message = `the server ${this.endpoint} is shutting down`;
    this.core.abort.abort(new ServerDrainingError("server_draining", message));
    if (this.#manner.ownsLease && !this.#manner.hasHandler) await this.#close(false);
  }

  /** The client is closing: no more renewals, the lease stays as it is. */
  async abandon(reason: unknown): Promise<void> {
    this.core.abort.abort(reason);
    await this.stopKeepAlive();
  }

  async #close(rollback: boolean): Promise<void> {
    if (this.#manner.ownsLease) {
      await this.release({ rollback, timeoutMs: this.core.closeTimeoutMs });
    } else {
      await this.stopKeepAlive();
      this.core.end(false);
    }
  }

  async #release(o: Call<{ rollback?: boolean | undefined }> | undefined): Promise<void> {
    const { rollback = false, signal } = callOptions(o);
    const call = this.core.carrierCall(o);
    this.#keepAlives?.suspend();
    try {
      await this.core.changes.run(async () => {
        if (this.core.over) return;
        await releaseSession(this.core, { call, rollback, triedBefore: this.#releaseUnknown });
      }, signal);
    } catch (error) {
      if (isOutcomeUnknown(error)) this.#releaseUnknown = true;
      // Work that was to be discarded needs no lease: if this stays the last try, let it run out.
      if (!rollback) this.#keepAlives?.resume();
      throw this.core.remember(error);
    }
    await this.stopKeepAlive();
  }
}

/** A session together with the state seen when its lease was granted. */
export class SessionWithState extends Session implements UpdateSession {
  #state: StateSnapshot | undefined;

  constructor(core: SessionCore) {
    super(core, { ownsLease: true, hasHandler: false });
  }

  get state(): StateSnapshot {
    assert(this.#state !== undefined, "the session was handed out before its first read");
    return this.#state;
  }

  giveState(state: StateSnapshot): void {
    this.#state = state;
  }

  override async release(o?: Call<{ rollback?: boolean | undefined }>): Promise<void> {
    await this.#state?.close();
    await super.release(o);
  }
}
