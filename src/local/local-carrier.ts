import { LockdApiError, LockdConfigError, LockdTransportError } from "../api/errors.ts";
import type { Lockd, LockdCall } from "../api/lockd.ts";
import { updatePauseMs } from "../client/backoff.ts";
import { type ClientClock, systemClientClock } from "../client/client-ports.ts";
import { retold } from "../client/error-details.ts";
import type { HttpLockdOptions } from "../client/http-options.ts";
import { pause } from "../client/pause.ts";
import { limitedCall } from "./call-limit.ts";
import { finishForDeadOwner, type InlineOptions, openInlineEngine } from "./inline-engine.ts";
import { KeepAwake } from "./keep-awake.ts";
import { OwnerSocket } from "./owner-socket.ts";

/** Repeats of one call after the owner's connection broke; each goes to whoever is there then. */
const brokenRepeatsMax = 5;

/** Milliseconds that a write waits for an owner without socket: it is starting or stopping. */
const ownerAppearsMs = 3_000;

/** Milliseconds between two looks for that owner. */
const ownerLookMs = 50;

export interface LocalLockdOptions extends InlineOptions {
  /** Store URL: `disk:///var/lib/lockd`, `mem://`. */
  readonly store: string;
  /** Told which way calls go whenever it changes. */
  readonly onCarrier?: ((carrier: "inline" | "owner") => void) | undefined;
  /** How to talk to a server that owns the store. */
  readonly owner?: Omit<HttpLockdOptions, "endpoints" | "socketPath"> | undefined;
  readonly clock?: ClientClock | undefined;
}

/** Milliseconds between two looks for an owner while an acquire waits in this process. */
const ownerWatchMs = 200;

/** Ends a wait in this process: an owner came, and its commits do not show here at once. */
class OwnerCame extends Error {
  override readonly name = "OwnerCame";
}

/** A call, whoever carries it. */
export interface LocalCall<T> {
  readonly operation: string;
  readonly changes: boolean;
  /** True while the same call may be made once more. */
  readonly repeatable: (outcomeUnknown: boolean) => boolean;
  /** True when it may wait for long. */
  readonly waits?: boolean;
  readonly run: (lockd: Lockd, call: LockdCall, elapsedMs: number) => Promise<T>;
}

/** How one call has fared so far. */
interface LocalProgress {
  readonly startedMs: number;
  readonly call: LockdCall;
  broken: number;
  outcomeUnknown: boolean;
}

/**
 * Carries calls to one store on this machine. When a server owns it, they go through the socket
 * that the server keeps in the store directory; else an engine in this process does the work. Which
 * of the two is found out for every call, so that servers may come and go. A call of unknown
 * outcome is repeated only as the retry table allows.
 */
export class LocalCarrier {
  readonly #options: LocalLockdOptions;
  readonly #clock: ClientClock;
  /** For work that goes on after a call was answered. */
  readonly awake = new KeepAwake();
  #socket: Promise<OwnerSocket | undefined> | undefined;
  #engine: Promise<Lockd> | undefined;
  /** True when an owner was found dead whose work the open engine may not see yet. */
  #deadOwner = false;
  #finishing: Promise<void> | undefined;
  #carrier: "inline" | "owner" | undefined;
  #closed: Promise<void> | undefined;

  /** Opens nothing yet; a wrong URL shows with the first call. */
  constructor(options: LocalLockdOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClientClock();
  }

  /**
   * Opens what the first call would need: nothing when a server owns the store, else the engine.
   * @throws invalid_store, store_unusable, store_version_unknown
   */
  async open(): Promise<void> {
    this.#socket ??= this.#openSocket();
    if ((await this.#socket)?.lockd === undefined) await this.#openEngine();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const socket = await this.#socket?.catch(() => undefined);
    const engine = await this.#engine?.catch(() => undefined);
    await Promise.all([socket?.close(), engine?.close()]);
  }

  /** Keeps the process alive until the answered function is called. */
  keepAwake(): () => void {
    return this.awake.hold();
  }

  /** True while a server owns the store, so that calls go through it. */
  async hasOwner(): Promise<boolean> {
    this.#socket ??= this.#openSocket();
    return (await this.#socket)?.lockd !== undefined;
  }

  /** A call that changes something and may be repeated. */
  change<T>(operation: string, call: LockdCall | undefined, run: LocalCall<T>["run"]): Promise<T> {
    return this.start(call, { operation, changes: true, repeatable: () => true, run });
  }

  /** A call that changes nothing. */
  read<T>(operation: string, call: LockdCall | undefined, run: LocalCall<T>["run"]): Promise<T> {
    return this.start(call, { operation, changes: false, repeatable: () => true, run });
  }

  async start<T>(call: LockdCall | undefined, local: LocalCall<T>): Promise<T> {
    const progress: LocalProgress = {
      startedMs: this.#clock.monotonicMs(),
      call: call ?? {},
      broken: 0,
      outcomeUnknown: false,
    };
    for (;;) {
      if (this.#closed !== undefined) {
        throw new LockdConfigError("invalid_option", "this client was closed");
      }
      this.#socket ??= this.#openSocket();
      const socket = await this.#socket;
      const owner = socket?.lockd;
      try {
        return owner === undefined
          ? await this.#runInline(local, progress)
          : await this.#runAtOwner(owner, local, progress);
      } catch (error) {
        const again =
          owner === undefined
            ? await this.#mayRepeatInline(error, local, progress)
            : await this.#mayRepeatAtOwner(error, local, progress);
        if (!again) throw this.#told(error, progress, socket);
      }
    }
  }

  async #runInline<T>(local: LocalCall<T>, progress: LocalProgress): Promise<T> {
    const lockd = await this.#openEngine();
    while (this.#deadOwner) await this.#finishForDeadOwner();
    this.#notice("inline");
    const watched = this.#watched(local, this.#limited(progress));
    try {
      return await this.awake.during(() =>
        limitedCall(
          this.#clock,
          { ...local, call: watched.call },
          async (call) => await local.run(lockd, call, this.#elapsedMs(progress)),
        ),
      );
    } finally {
      watched.stop();
    }
  }

  /** The call with a signal that also ends it when an owner's socket appears. */
  #watched(local: LocalCall<unknown>, call: LockdCall): { readonly call: LockdCall; stop(): void } {
    if (local.waits !== true) return { call, stop: () => {} };
    const came = new AbortController();
    let stopped = false;
    let timer: { cancel(): void };
    const look = async (): Promise<void> => {
      const owner = (await this.#socket)?.lockd;
      if (stopped) return;
      if (owner !== undefined) came.abort(new OwnerCame());
      else timer = this.#clock.schedule(ownerWatchMs, () => void look());
    };
    timer = this.#clock.schedule(ownerWatchMs, () => void look());
    const signal =
      call.signal === undefined ? came.signal : AbortSignal.any([call.signal, came.signal]);
    return {
      call: { ...call, signal },
      // The signal stays as it is: what the call handed out may go on listening to it.
      stop: () => {
        stopped = true;
        timer.cancel();
      },
    };
  }

  async #runAtOwner<T>(owner: Lockd, local: LocalCall<T>, progress: LocalProgress): Promise<T> {
    this.#notice("owner");
    return await local.run(owner, this.#limited(progress), this.#elapsedMs(progress));
  }

  /** The owner went away, or the connection to it broke. */
  async #mayRepeatAtOwner(
    error: unknown,
    local: LocalCall<unknown>,
    progress: LocalProgress,
  ): Promise<boolean> {
    if (!(error instanceof LockdTransportError) || error.fatal) return false;
    progress.outcomeUnknown ||= error.outcomeUnknown;
    if (!local.repeatable(progress.outcomeUnknown)) return false;
    const socket = await this.#socket;
    if (socket?.foundDead(error) === true) {
      // What it had committed may still be in its journal only: the next reader must see it.
      this.#deadOwner ||= this.#engine !== undefined;
      return true;
    }
    progress.broken += 1;
    if (progress.broken > brokenRepeatsMax) return false;
    await pause(this.#clock, updatePauseMs(progress.broken, undefined), progress.call.signal);
    return true;
  }

  /** A write that met an owner changed nothing: look for the owner's socket for a while. */
  async #mayRepeatInline(
    error: unknown,
    local: LocalCall<unknown>,
    progress: LocalProgress,
  ): Promise<boolean> {
    if (error instanceof OwnerCame) return true;
    if (!(error instanceof LockdApiError) || error.code !== "store_owned") return false;
    if (!local.repeatable(progress.outcomeUnknown) || this.#elapsedMs(progress) > ownerAppearsMs)
      return false;
    await pause(this.#clock, ownerLookMs, progress.call.signal);
    return true;
  }

  #told(error: unknown, progress: LocalProgress, socket: OwnerSocket | undefined): unknown {
    if (!(error instanceof LockdApiError)) return error;
    if (error.code === "store_owned" && socket !== undefined) {
      const where = `its socket ${socket.path} cannot be reached`;
      return retold(error, { detail: `${error.detail} and ${where}; use its address instead` });
    }
    // An earlier try may have done it: a conflict can be with our own change.
    return progress.outcomeUnknown ? retold(error, { outcomeUnknown: true }) : error;
  }

  #limited(progress: LocalProgress): LockdCall {
    const { timeoutMs } = progress.call;
    if (timeoutMs === undefined) return progress.call;
    return { ...progress.call, timeoutMs: Math.max(1, timeoutMs - this.#elapsedMs(progress)) };
  }

  #elapsedMs(progress: LocalProgress): number {
    return this.#clock.monotonicMs() - progress.startedMs;
  }

  #notice(carrier: "inline" | "owner"): void {
    if (this.#carrier === carrier) return;
    this.#carrier = carrier;
    this.#options.onCarrier?.(carrier);
  }

  async #openSocket(): Promise<OwnerSocket | undefined> {
    const { parseStoreUrl } = await import("../storage/store-url.ts");
    const url = parseStoreUrl(this.#options.store);
    if (url.kind !== "disk") return undefined;
    const options = { ...this.#options.owner, clock: this.#clock };
    return new OwnerSocket(url.directory, options);
  }

  /** One at a time; when it fails the next call tries again. */
  #finishForDeadOwner(): Promise<void> {
    this.#finishing ??= finishForDeadOwner(this.#options.store)
      .then(() => {
        this.#deadOwner = false;
      })
      .finally(() => {
        this.#finishing = undefined;
      });
    return this.#finishing;
  }

  #openEngine(): Promise<Lockd> {
    this.#engine ??= openInlineEngine(this.#options.store, this.#options).catch((error) => {
      // The next call may find the directory mended.
      this.#engine = undefined;
      throw error;
    });
    return this.#engine;
  }
}
