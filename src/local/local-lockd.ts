import type {
  AcquireRequest,
  AcquireResult,
  BodyIn,
  DescribeResult,
  GetRequest,
  KeepAliveRequest,
  KeepAliveResult,
  KeyAddress,
  Lockd,
  LockdCall,
  MutateRequest,
  MutateResult,
  ReleaseRequest,
  ReleaseResult,
  RemoveRequest,
  RemoveResult,
  StateResult,
  StatusResult,
  UpdateMetadataRequest,
  UpdateMetadataResult,
  UpdateRequest,
  UpdateResult,
} from "../api/lockd.ts";
import { OutgoingBody } from "../client/outgoing-body.ts";
import { isRepeatableMutate } from "../client/repeatable-mutate.ts";
import { LocalAttachments } from "./local-attachments.ts";
import { LocalCarrier, type LocalLockdOptions } from "./local-carrier.ts";
import { LocalObservation } from "./local-observation.ts";
import { LocalQueries } from "./local-queries.ts";
import { LocalQueues } from "./local-queues.ts";
import { LocalTransactions } from "./local-transactions.ts";
import { waitLeft } from "./wait-left.ts";

export type { LocalLockdOptions };

/**
 * One store on this machine: through the server that owns it, or in this process.
 *
 * @example const lockd = new LocalLockd({ store: "disk:///var/lib/lockd" });
 */
export class LocalLockd implements Lockd {
  readonly queues: LocalQueues;
  readonly attachments: LocalAttachments;
  readonly transactions: LocalTransactions;
  readonly observation: LocalObservation;
  readonly queries: LocalQueries;
  readonly #carrier: LocalCarrier;

  /** Opens nothing yet; a wrong URL shows with the first call. */
  constructor(options: LocalLockdOptions) {
    this.#carrier = new LocalCarrier(options);
    this.observation = new LocalObservation(this.#carrier);
    this.queues = new LocalQueues(this.#carrier);
    this.attachments = new LocalAttachments(this.#carrier);
    this.transactions = new LocalTransactions(this.#carrier);
    this.queries = new LocalQueries(this.#carrier);
  }

  /**
   * Opens what the first call would need: nothing when a server owns the store, else the engine.
   * @throws invalid_store, store_unusable, store_version_unknown
   */
  open(): Promise<void> {
    return this.#carrier.open();
  }

  acquire(request: AcquireRequest, call?: LockdCall): Promise<AcquireResult> {
    return this.#carrier.start(call, {
      operation: "acquire",
      changes: true,
      repeatable: () => true,
      waits: request.blockSeconds !== -1,
      run: (lockd, limited, elapsedMs) => {
        const blockSeconds = waitLeft(request.blockSeconds, elapsedMs);
        return lockd.acquire({ ...request, blockSeconds }, limited);
      },
    });
  }

  keepAlive(request: KeepAliveRequest, call?: LockdCall): Promise<KeepAliveResult> {
    return this.#carrier.change("keepalive", call, (lockd, limited) =>
      lockd.keepAlive(request, limited),
    );
  }

  release(request: ReleaseRequest, call?: LockdCall): Promise<ReleaseResult> {
    return this.#carrier.change("release", call, (lockd, limited) =>
      lockd.release(request, limited),
    );
  }

  get(request: GetRequest, call?: LockdCall): Promise<StateResult> {
    return this.#carrier.read("get", call, (lockd, limited) => lockd.get(request, limited));
  }

  update(request: UpdateRequest, body: BodyIn, ...[call]: [LockdCall?]): Promise<UpdateResult> {
    const outgoing = new OutgoingBody(body);
    return this.#carrier.start(call, {
      operation: "update",
      changes: true,
      repeatable: () => outgoing.sendable,
      run: (lockd, limited) =>
        lockd.update(request, outgoing.replayable ? body : outgoing.open(), limited),
    });
  }

  mutate(request: MutateRequest, call?: LockdCall): Promise<MutateResult> {
    return this.#carrier.start(call, {
      operation: "mutate",
      changes: true,
      repeatable: (outcomeUnknown) => !outcomeUnknown || isRepeatableMutate(request),
      run: (lockd, limited) => lockd.mutate(request, limited),
    });
  }

  remove(request: RemoveRequest, call?: LockdCall): Promise<RemoveResult> {
    return this.#carrier.change("remove", call, (lockd, limited) => lockd.remove(request, limited));
  }

  updateMetadata(request: UpdateMetadataRequest, call?: LockdCall): Promise<UpdateMetadataResult> {
    return this.#carrier.change("metadata", call, (lockd, limited) =>
      lockd.updateMetadata(request, limited),
    );
  }

  describe(request: KeyAddress, call?: LockdCall): Promise<DescribeResult> {
    return this.#carrier.read("describe", call, (lockd, limited) =>
      lockd.describe(request, limited),
    );
  }

  status(request: KeyAddress, call?: LockdCall): Promise<StatusResult> {
    return this.#carrier.read("status", call, (lockd, limited) => lockd.status(request, limited));
  }

  close(): Promise<void> {
    return this.#carrier.close();
  }
}
