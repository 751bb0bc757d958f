/**
 * The engine: `Lockd` over a store in this process. Knows no transport, clock or process; all of
 * them come in through `EngineOptions`.
 */
import { failure } from "../api/errors.ts";
import type {
  AcquireRequest,
  AcquireResult,
  BodyIn,
  DescribeResult,
  GetRequest,
  KeepAliveRequest,
  KeepAliveResult,
  KeyAddress,
  LockdCall,
  MutateRequest,
  MutateResult,
  ReleaseRequest,
  ReleaseResult,
  RemoveRequest,
  RemoveResult,
  ServedLockd,
  StateResult,
  StatusResult,
  UpdateMetadataRequest,
  UpdateMetadataResult,
  UpdateRequest,
  UpdateResult,
} from "../api/lockd.ts";
import { acceptedCorrelationId } from "../api/names.ts";
import { EngineAttachments } from "./attachment/engine-attachments.ts";
import { descriptionOf, metadataOf } from "./describe-key.ts";
import type { EngineParts } from "./engine-parts.ts";
import { GarbageCollector } from "./garbage.ts";
import { Acquirer, ttlSecondsOf } from "./lease/acquire.ts";
import { keepLeaseAlive } from "./lease/keepalive.ts";
import { runningLease } from "./lease/lease-rules.ts";
import { releaseLease } from "./lease/release.ts";
import { WaitingRoom } from "./lease/waiting-room.ts";
import { Meter } from "./metering/meter.ts";
import { EngineObservation } from "./observe/engine-observation.ts";
import type { EngineOptions } from "./options.ts";
import type { Monotonic } from "./ports/clock.ts";
import type { RebuildOptions } from "./query/candidates.ts";
import { EngineQueries } from "./query/engine-queries.ts";
import { type RebuildResult, rebuildIndex } from "./query/index-rebuild.ts";
import { storedNamespaces } from "./query/stored-namespaces.ts";
import { EngineQueues } from "./queue/engine-queues.ts";
import {
  absentRecord,
  type KeyRecord,
  namespaceOfRecord,
  recordName,
  stateObjectName,
} from "./record/key-record.ts";
import { referencedObjects } from "./record/record-objects.ts";
import { RecordShell, type Transition } from "./record/record-shell.ts";
import {
  type CheckedKey,
  checkGet,
  checkKeepAlive,
  checkKeyOnly,
  checkRelease,
  checkRemove,
  checkUpdate,
  checkUpdateMetadata,
} from "./requests/checked.ts";
import { takeIn } from "./state/body-intake.ts";
import { StateMutator } from "./state/mutate-state.ts";
import { StateReader } from "./state/read-state.ts";
import { type StateStaged, stageMetadata, stageRemoval, stageState } from "./state/stage.ts";
import { type SweepBudget, Sweeper, type SweepSummary } from "./sweep/sweeper.ts";
import { WholeSweep } from "./sweep/whole-sweep.ts";
import { EngineTransactions } from "./txn/engine-transactions.ts";

const noCall: LockdCall = {};

function nameOf(target: CheckedKey): string {
  return recordName(target.namespace, target.key);
}

export class Engine implements ServedLockd {
  readonly queues: EngineQueues;
  readonly attachments: EngineAttachments;
  readonly observation: EngineObservation;
  readonly queries: EngineQueries;
  /** What was counted and timed so far. */
  readonly meter = new Meter();
  readonly #options: EngineOptions;
  readonly #shell: RecordShell;
  readonly #room: WaitingRoom;
  readonly #acquirer: Acquirer;
  readonly #reader: StateReader;
  readonly #mutator: StateMutator;
  readonly #garbage: GarbageCollector;
  readonly transactions: EngineTransactions;
  readonly #sweeper: WholeSweep;
  readonly #watch: { close(): void } | undefined;
  #drainUntil: Monotonic | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { store, clock, random } = options;
    this.#garbage = new GarbageCollector(options);
    this.#room = new WaitingRoom({ clock, random, exclusive: store.capabilities.exclusive });
    this.#shell = new RecordShell(options, {
      changed: (name, before, after) => this.#changed(name, before, after),
      garbage: (objects) => this.#garbage.discard(objects),
      resolve: (name, undecided) => this.transactions.undecided.resolve(name, undecided),
      erased: (name, last) => {
        this.observation.erased(name);
        if (last !== undefined) this.#garbage.discard(referencedObjects(last));
      },
    });
    const publish: EngineParts["publish"] = (make) => this.observation.publish(make);
    const ports = { options, shell: this.#shell, meter: this.meter };
    this.transactions = new EngineTransactions({ ...ports, publish });
    const parts: EngineParts = {
      ...ports,
      garbage: this.#garbage,
      transactions: this.transactions,
      refuseWhenDraining: () => this.#refuseWhenDraining(),
      publish,
    };
    this.attachments = new EngineAttachments(parts);
    this.#acquirer = new Acquirer(parts, this.#room);
    this.#reader = new StateReader(this.#shell, store);
    this.queues = new EngineQueues(parts);
    const { sweeper: queueSweeper } = this.queues;
    this.#sweeper = new WholeSweep({ meter: this.meter, clock }, [
      // First: what transactions leave on keys is then swept with the keys.
      this.transactions.recovery,
      new Sweeper(ports, (name) => queueSweeper.sweepState(name)),
      queueSweeper,
    ]);
    this.#watch = store.watch?.(() => {
      this.#room.wakeAll();
      this.queues.storeChanged();
      this.observation.storeChanged();
    });
    this.queries = new EngineQueries(parts);
    this.#mutator = new StateMutator(parts);
    this.observation = new EngineObservation({
      options,
      room: this.#room,
      queues: () => this.queues,
      transactions: () => this.transactions,
      liveLeases: () => this.liveLeases(),
      draining: () => this.#drainUntil !== undefined,
      refuseWhenDraining: parts.refuseWhenDraining,
    });
    this.transactions.recovery.start();
  }

  async acquire(request: AcquireRequest, call: LockdCall = noCall): Promise<AcquireResult> {
    const { request: checked, granted } = await this.#acquirer.acquire(request, call);
    if (checked.explicit) await this.transactions.join(checked.txnId, checked.name);
    const { lease, record } = granted;
    return {
      namespace: checked.namespace,
      key: checked.keyText,
      owner: lease.owner,
      leaseId: lease.id,
      txnId: lease.txnId,
      expiresAtUnix: lease.expiresAtUnix,
      version: record.version,
      stateEtag: record.state?.etag,
      fencingToken: lease.fencingToken,
      ...(granted.isReplay === true ? { replayed: true } : {}),
      correlationId: acceptedCorrelationId(call.correlationId) ?? this.#options.random.uuid(),
      state:
        request.returnState === true ? StateReader.inline(record, lease.fencingToken) : undefined,
    };
  }

  async keepAlive(request: KeepAliveRequest, _call?: LockdCall): Promise<KeepAliveResult> {
    const claim = checkKeepAlive(request, this.#options.defaultNamespace);
    const ttlSeconds = ttlSecondsOf(request.ttlSeconds, this.#options);
    const kept = await this.transactions.staging.transact(
      claim,
      (record, nowUnix) => keepLeaseAlive(record, { claim, ttlSeconds }, nowUnix),
      { lenient: true },
    );
    return {
      expiresAtUnix: kept.lease.expiresAtUnix,
      fencingToken: kept.lease.fencingToken,
      version: kept.view.version,
      stateEtag: kept.view.removed || kept.view.etag === "" ? undefined : kept.view.etag,
    };
  }

  async release(request: ReleaseRequest, _call?: LockdCall): Promise<ReleaseResult> {
    const claim = checkRelease(request, this.#options.defaultNamespace);
    const rollback = request.rollback ?? false;
    const isJoined = this.transactions.isJoined(claim.txnId ?? "");
    const ended = await this.#shell.transact(nameOf(claim), (record, nowUnix) =>
      releaseLease(record, { claim, rollback, isJoined }, nowUnix),
    );
    if (!ended.released) {
      const { expiresAtUnix } = ended;
      await this.transactions.release(claim, { rollback, expiresAtUnix });
    }
    return { released: true };
  }

  async get(request: GetRequest, _call?: LockdCall): Promise<StateResult> {
    const checked = checkGet(request, this.#options.defaultNamespace);
    this.transactions.recovery.traffic();
    return this.#reader.read(checked);
  }

  async update(
    request: UpdateRequest,
    body: BodyIn,
    call: LockdCall = noCall,
  ): Promise<UpdateResult> {
    const checked = checkUpdate(request, this.#options.defaultNamespace);
    const { claim } = checked;
    const { store, random, jsonBytesMax } = this.#options;
    const state = await takeIn({
      body,
      jsonBytesMax,
      expectedBytes: checked.expectedBytes,
      expectedSha256: checked.expectedSha256,
      objectName: () => stateObjectName(claim.namespace, claim.key, random.xid()),
      store,
      // Only a stream can be waited for; asking for the signal costs the carrier an object.
      signal: body instanceof Uint8Array ? undefined : call.signal,
    });
    const object = state.place.kind === "object" ? state.place.name : undefined;
    const stage = { ...checked, state };
    let keepObject = false;
    try {
      const decide: Transition<StateStaged> = (record, nowUnix) =>
        stageState(record, stage, nowUnix);
      const { transactions } = this;
      const staged = await transactions.staging.transact(claim, decide, { object });
      keepObject = staged.usesBytes;
      const released =
        checked.release && !staged.released
          ? await transactions.commitStaged(claim)
          : staged.released;
      return {
        newVersion: staged.version,
        newStateEtag: staged.etag,
        bytes: staged.bytes,
        metadata: metadataOf(staged.queryHidden),
        fencingToken: claim.fencingToken,
        released,
      };
    } catch (error) {
      // After an unknown outcome the record may point at it; the sweeper knows in time.
      keepObject = keepObject || isOutcomeUnknown(error);
      throw error;
    } finally {
      if (object !== undefined && !keepObject) this.#garbage.discard([object]);
    }
  }

  async mutate(request: MutateRequest, call: LockdCall = noCall): Promise<MutateResult> {
    return this.#mutator.mutate(request, call);
  }

  async remove(request: RemoveRequest, _call?: LockdCall): Promise<RemoveResult> {
    const { claim, cas } = checkRemove(request, this.#options.defaultNamespace);
    const staged = await this.transactions.staging.transact(claim, (record, nowUnix) =>
      stageRemoval(record, { claim, cas }, nowUnix),
    );
    return {
      removed: staged.removed,
      newVersion: staged.version,
      fencingToken: claim.fencingToken,
    };
  }

  async updateMetadata(
    request: UpdateMetadataRequest,
    _call?: LockdCall,
  ): Promise<UpdateMetadataResult> {
    const checked = checkUpdateMetadata(request, this.#options.defaultNamespace);
    const { claim } = checked;
    const staged = await this.transactions.staging.transact(claim, (record, nowUnix) =>
      stageMetadata(record, checked, nowUnix),
    );
    return {
      namespace: claim.namespace,
      key: request.key ?? claim.key,
      version: staged.version,
      metadata: metadataOf(staged.queryHidden),
      fencingToken: claim.fencingToken,
    };
  }

  async describe(request: KeyAddress, _call?: LockdCall): Promise<DescribeResult> {
    const target = checkKeyOnly(request, this.#options.defaultNamespace);
    const record = (await this.#shell.read(nameOf(target))) ?? absentRecord;
    return descriptionOf(target, request, record);
  }

  async status(request: KeyAddress, _call?: LockdCall): Promise<StatusResult> {
    const target = checkKeyOnly(request, this.#options.defaultNamespace);
    const record = (await this.#shell.read(nameOf(target))) ?? absentRecord;
    const { clock, store } = this.#options;
    const running = runningLease(record, this.#shell.nowUnix());
    return {
      ...descriptionOf(target, request, record),
      held: running !== undefined,
      acquiredAtUnix: running?.acquiredAtUnix,
      fencingToken: record.fencingToken,
      txnId: running?.txnId,
      remainingMs:
        running === undefined
          ? undefined
          : Math.max(0, running.expiresAtUnix * 1000 - clock.wallMs()),
      waiters: store.capabilities.exclusive ? this.#room.waiting(nameOf(target)) : undefined,
      staged: record.staged !== undefined && running !== undefined,
    };
  }

  beginDrain(graceMs: number): void {
    if (this.#drainUntil !== undefined) return;
    this.#drainUntil = (this.#options.clock.monotonicMs() + graceMs) as Monotonic;
    this.#room.failAll(() => this.#drainingError());
    this.queues.drain(() => this.#drainingError());
    this.observation.drain();
  }

  liveLeases(): number {
    const nowUnix = this.#shell.nowUnix();
    return this.observation.liveLeases(nowUnix) + this.queues.liveLeases(nowUnix);
  }

  /** Tidies up within `budget`, going on where the last call stopped; one call at a time. */
  sweep(budget: SweepBudget): Promise<SweepSummary> {
    return this.#sweeper.sweep(budget);
  }

  /** Every namespace with a key, sorted. */
  namespaces(signal?: AbortSignal): Promise<readonly string[]> {
    return storedNamespaces(this.#options.store, signal);
  }

  /** Makes a namespace's index anew (query-and-lql.md section 11.2). @throws index_unavailable */
  rebuildIndex(namespace: string, options: RebuildOptions): Promise<RebuildResult> {
    return rebuildIndex(this.#options, namespace, options);
  }

  /** Fails every waiter, deletes known garbage and closes the store; idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.beginDrain(0);
    this.#watch?.close();
    this.observation.close();
    await this.queues.close();
    await this.transactions.close();
    await this.queries.close();
    await this.#garbage.flush();
    await this.#options.index?.close?.();
    await this.#options.store.close();
  }

  #changed(name: string, before: KeyRecord | undefined, after: KeyRecord): void {
    this.transactions.minted.note(name, before, after);
    this.observation.changed(name, before, after);
    if (publishesAnew(before, after)) this.#options.index?.noteCommit?.(namespaceOfRecord(name));
    const wasHeld = before?.lease;
    const freed = wasHeld !== undefined && after.lease?.id !== wasHeld.id;
    const shortened =
      wasHeld !== undefined &&
      after.lease !== undefined &&
      after.lease.expiresAtUnix < wasHeld.expiresAtUnix;
    if (freed || shortened) this.#room.wake(name);
  }

  #refuseWhenDraining(): void {
    if (this.#drainUntil !== undefined) throw this.#drainingError();
  }

  #drainingError(): ReturnType<typeof failure> {
    const leftMs = (this.#drainUntil ?? 0) - this.#options.clock.monotonicMs();
    return failure("shutdown_draining", "the server is shutting down", {
      retryAfterMs: Math.max(1000, leftMs),
    });
  }
}

function isOutcomeUnknown(error: unknown): boolean {
  return (error as { outcomeUnknown?: unknown } | undefined)?.outcomeUnknown === true;
}

/** What queries find of the key may have changed. */
function publishesAnew(before: KeyRecord | undefined, after: KeyRecord): boolean {
  return after.version !== (before?.version ?? 0) || after.queryHidden !== before?.queryHidden;
}
