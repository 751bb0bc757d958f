/** The observation facet of one engine: what is held, what happens, and one look at everything. */
import { failure } from "../../api/errors.ts";
import type { LockdCall } from "../../api/lockd.ts";
import type {
  ChangeEvent,
  ChangeStream,
  ChangesRequest,
  NamesAnswer,
  NamesRequest,
  Observation,
  Overview,
  OverviewRequest,
} from "../../api/observation.ts";
import type { Queues } from "../../api/queues.ts";
import type { Transactions } from "../../api/transactions.ts";
import type { WaitingRoom } from "../lease/waiting-room.ts";
import { changeRingMax, changeStreamsMax, expiryTickMs } from "../limits.ts";
import type { EngineOptions } from "../options.ts";
import type { Monotonic, ScheduledCall } from "../ports/clock.ts";
import type { KeyRecord } from "../record/key-record.ts";
import { checkChanges } from "./change-filter.ts";
import { ChangeRing } from "./change-ring.ts";
import { KnownLeases } from "./known-leases.ts";
import { LookStream } from "./look-stream.ts";
import { OverviewMaker } from "./overview.ts";
import {
  type ChangeDraft,
  leaseChange,
  placeOf,
  recordChanges,
  seenKey,
} from "./record-changes.ts";
import { RingStream } from "./ring-stream.ts";
import { storedNames } from "./stored-names.ts";

/** What the engine shows of itself. */
export interface ObservedEngine {
  readonly options: EngineOptions;
  readonly room: WaitingRoom;
  readonly queues: () => Queues | undefined;
  readonly transactions: () => Transactions | undefined;
  readonly liveLeases: () => number;
  readonly draining: () => boolean;
  /** Throws `shutdown_draining` while draining. */
  readonly refuseWhenDraining: () => void;
}

export class EngineObservation implements Observation {
  readonly #options: EngineOptions;
  readonly #refuseWhenDraining: () => void;
  readonly #known: KnownLeases;
  /** Made with the first stream; before, nobody could ask for an event. */
  #ring: ChangeRing | undefined;
  readonly #overviews: OverviewMaker;
  readonly #startedAt: Monotonic;
  #streams = 0;
  #tick: ScheduledCall | undefined;
  #over = false;

  constructor(engine: ObservedEngine) {
    const { options } = engine;
    this.#options = options;
    this.#refuseWhenDraining = engine.refuseWhenDraining;
    this.#known = new KnownLeases(options);
    this.#startedAt = options.clock.monotonicMs();
    this.#overviews = new OverviewMaker(engine, this.#known);
  }

  async overview(request: OverviewRequest, _call?: LockdCall): Promise<Overview> {
    await this.#tellExpired();
    return this.#overviews.make(request, this.#options.clock.monotonicMs() - this.#startedAt);
  }

  names(request: NamesRequest, call?: LockdCall): Promise<NamesAnswer> {
    return storedNames(this.#options, request, call?.signal);
  }

  async changes(request: ChangesRequest, call?: LockdCall): Promise<ChangeStream> {
    const { store, clock, random, defaultNamespace } = this.#options;
    const filter = checkChanges(request, defaultNamespace);
    if (this.#streams >= changeStreamsMax) {
      const detail = `${changeStreamsMax} change streams are open already`;
      throw failure("overloaded", detail, { retryAfterMs: 10_000 });
    }
    if (filter.queue !== undefined && !store.capabilities.exclusive) {
      const detail = "the messages of a queue can be watched through a server only: lockd serve";
      throw failure("invalid_observation", detail);
    }
    this.#refuseWhenDraining();
    call?.signal?.throwIfAborted();
    this.#ring ??= new ChangeRing(random.xid(), changeRingMax);
    const ring = this.#ring;
    let closed = false;
    const end = (): void => {
      closed = true;
      ring.wakeAll();
    };
    const ended = (): boolean => closed || this.#over;
    const parts = { ring, store, clock, filter, ended };
    const { exclusive } = store.capabilities;
    // Leases of an earlier life must be known to be told of when they run out. A store that cannot
    // be read now is read with the next stream or overview.
    if (exclusive) void this.#known.load().catch(() => {});
    const source = exclusive ? new RingStream(parts) : new LookStream(parts);
    const events = this.#counted(source.events(), call?.signal, end);
    return {
      close: async () => end(),
      [Symbol.asyncIterator]: () => events,
    };
  }

  /** A record was written here. */
  changed(name: string, before: KeyRecord | undefined, after: KeyRecord): void {
    const told = this.#ring === undefined ? undefined : this.#known.get(name)?.lease.id;
    this.#known.note(name, after);
    if (this.#ring === undefined) return;
    const place = placeOf(name, this.#options.clock.wallMs());
    for (const change of recordChanges(place, seenKey(before), seenKey(after))) {
      // A lease that ran out was told when it did, unless nobody here knew of it.
      const repeats =
        change.kind === "lease_expired" && this.#known.complete && told !== change.leaseId;
      if (!repeats) this.#ring.publish(change);
    }
  }

  /** Something other than a record's change happened; costs nothing while nobody ever watched. */
  publish(make: () => ChangeDraft | undefined): void {
    const change = this.#ring === undefined ? undefined : make();
    if (change !== undefined) this.#ring?.publish(change);
  }

  /** A record was deleted here. */
  erased(name: string): void {
    this.#known.erased(name);
  }

  /** Another process wrote something somewhere. */
  storeChanged(): void {
    this.#ring?.wakeAll();
  }

  /** Leases of keys granted or renewed here that still run. */
  liveLeases(nowUnix: number): number {
    return this.#known.countOwn(nowUnix);
  }

  /** Ends every stream, so that a draining server can close their connections. */
  drain(): void {
    this.#over = true;
    this.#tick?.cancel();
    this.#ring?.wakeAll();
  }

  close(): void {
    this.drain();
    this.#known.stop();
  }

  /** Passes events on, and keeps account of the stream as long as somebody reads it. */
  async *#counted(
    events: AsyncGenerator<ChangeEvent>,
    signal: AbortSignal | undefined,
    end: () => void,
  ): AsyncGenerator<ChangeEvent> {
    this.#streams += 1;
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted === true) end();
    this.#tick ??= this.#nextTick();
    try {
      yield* events;
    } finally {
      this.#streams -= 1;
      signal?.removeEventListener("abort", end);
      if (this.#streams === 0) {
        this.#tick?.cancel();
        this.#tick = undefined;
      }
    }
  }

  /** While somebody watches, leases that run out untouched are told about a second later. */
  #nextTick(): ScheduledCall {
    return this.#options.clock.schedule(expiryTickMs, () => {
      void this.#tellExpired().finally(() => {
        if (this.#tick !== undefined && !this.#over) this.#tick = this.#nextTick();
      });
    });
  }

  async #tellExpired(): Promise<void> {
    const { clock, store } = this.#options;
    const nowMs = clock.wallMs();
    const expired = await this.#known.takeExpired(Math.floor(nowMs / 1000));
    if (!store.capabilities.exclusive) return;
    for (const { name, lease } of expired) {
      this.#ring?.publish(leaseChange(placeOf(name, nowMs), "lease_expired", lease));
    }
  }
}
