/**
 * Acquire: one attempt when nobody waits, else a place in line (http-core.md section 10.1).
 */
import { failure, type LockdError } from "../../api/errors.ts";
import type { AcquireRequest, LockdCall } from "../../api/lockd.ts";
import {
  acquiredKeyText,
  isXidText,
  type Key,
  type Namespace,
  normalizeKey,
  normalizeNamespace,
} from "../../api/names.ts";
import type { EngineParts } from "../engine-parts.ts";
import { grantRetriesMax, ownerLengthMax } from "../limits.ts";
import type { EngineOptions } from "../options.ts";
import { InDoubt } from "../record/in-doubt.ts";
import { recordName } from "../record/key-record.ts";
import type { RecordShell } from "../record/record-shell.ts";
import { type Granted, grantLease, type Held, withdrawGrant } from "./grant.ts";
import {
  type BoundRequest,
  bindingOf,
  checkIdempotencyKey,
  derivedKey,
  earlierAttempt,
  type RequestBinding,
} from "./idempotency.ts";
import { isExpired } from "./lease-rules.ts";
import type { Waiter, WaitingRoom } from "./waiting-room.ts";

interface CheckedAcquire {
  readonly namespace: Namespace;
  readonly key: Key;
  /** What the answer shows as the key (section 7.2). */
  readonly keyText: string;
  readonly name: string;
  readonly owner: string;
  readonly ttlSeconds: number;
  /** undefined: for ever; 0: do not wait. */
  readonly waitSeconds: number | undefined;
  readonly ifNotExists: boolean;
  readonly txnId: string;
  readonly explicit: boolean;
  readonly binding: RequestBinding | undefined;
}

export interface AcquiredLease {
  readonly request: CheckedAcquire;
  readonly granted: Granted;
}

export class Acquirer {
  readonly #options: EngineOptions;
  readonly #shell: RecordShell;
  readonly #room: WaitingRoom;
  readonly #refuseWhenDraining: () => void;

  constructor(parts: EngineParts, room: WaitingRoom) {
    this.#options = parts.options;
    this.#shell = parts.shell;
    this.#room = room;
    this.#refuseWhenDraining = parts.refuseWhenDraining;
  }

  async acquire(raw: AcquireRequest, call: LockdCall): Promise<AcquiredLease> {
    const request = this.#check(raw);
    const replayed = await this.#replay(request);
    if (replayed !== undefined) return { request, granted: replayed };
    // Nobody overtakes a line; only create-only requests never stand in one.
    const mayTry = this.#room.waiting(request.name) === 0 || request.ifNotExists;
    const seen = mayTry ? await this.#attempt(request) : this.#room.lastHeld(request.name);
    if (seen?.kind === "granted") return { request, granted: seen };
    if (request.waitSeconds === 0 || seen === undefined) throw await this.#waiting(request, seen);
    const granted = await this.#wait(request, call, seen);
    return { request, granted };
  }

  #check(raw: AcquireRequest): CheckedAcquire {
    const options = this.#options;
    const namespace = normalizeNamespace(raw.namespace, options.defaultNamespace);
    this.#refuseWhenDraining();
    const owner = raw.owner ?? "";
    if (owner.trim() === "") throw failure("missing_owner", "no owner given");
    if (owner.length > ownerLengthMax) {
      throw failure("invalid_body", `the owner is longer than ${ownerLengthMax} characters`);
    }
    const txnId = raw.txnId?.trim() ?? "";
    const ttlSeconds = ttlSecondsOf(raw.ttlSeconds, options);
    const binding = this.#binding(raw, { namespace, owner, txnId, ttlSeconds });
    const given = raw.key === undefined ? "" : acquiredKeyText(raw.key, namespace);
    const isGenerated = given === "" && (raw.key ?? "").trim() === "";
    const generated = binding === undefined ? options.random.uuid : () => derivedKey(binding);
    const keyText = isGenerated ? generated() : given;
    const key = normalizeKey(keyText);
    if (txnId !== "" && !isXidText(txnId)) {
      throw failure("invalid_txn", `"${txnId.slice(0, 40)}" is not an xid`);
    }
    return {
      namespace,
      key,
      keyText,
      name: recordName(namespace, key),
      owner,
      ttlSeconds,
      waitSeconds: this.#waitSeconds(raw.blockSeconds ?? 0),
      ifNotExists: raw.ifNotExists ?? false,
      txnId: txnId === "" ? options.random.xid() : txnId,
      explicit: txnId !== "",
      binding,
    };
  }

  #binding(
    raw: AcquireRequest,
    known: Pick<BoundRequest, "namespace" | "owner" | "txnId" | "ttlSeconds">,
  ): RequestBinding | undefined {
    const idempotencyKey = checkIdempotencyKey(raw.idempotencyKey);
    if (idempotencyKey === undefined) return undefined;
    const key = raw.key?.trim() ?? "";
    return bindingOf({ ...known, idempotencyKey, key, ifNotExists: raw.ifNotExists ?? false });
  }

  /**
   * The lease an earlier attempt of the request was granted, where a line would keep the request
   * from finding out by trying. @throws idempotency_conflict
   */
  async #replay(request: CheckedAcquire): Promise<Granted | undefined> {
    if (request.binding === undefined || this.#room.waiting(request.name) === 0) return undefined;
    const record = await this.#shell.read(request.name);
    if (record === undefined) return undefined;
    const earlier = earlierAttempt(record, request.binding, this.#shell.nowUnix());
    if (earlier.kind === "conflict") throw failure("idempotency_conflict", earlier.detail);
    if (earlier.kind === "none") return undefined;
    return { kind: "granted", lease: earlier.lease, record, isReplay: true };
  }

  #waitSeconds(blockSeconds: number): number | undefined {
    if (blockSeconds === -1) return 0;
    if (blockSeconds < -1) return this.#options.acquireBlockSeconds;
    return blockSeconds === 0 ? undefined : blockSeconds;
  }

  /** One try. A grant that ran out while it was being written is no grant: try again. */
  async #attempt(request: CheckedAcquire): Promise<Granted | Held> {
    for (let attempt = 0; attempt < grantRetriesMax; attempt += 1) {
      const leaseId = this.#options.random.xid();
      const result = await this.#shell
        .transact<Granted | Held>(request.name, (record, nowUnix) =>
          grantLease(record, { ...request, leaseId }, nowUnix),
        )
        .catch(heldInDoubt);
      if (result.kind === "held" || !isExpired(result.lease, this.#shell.nowUnix())) return result;
    }
    throw failure(
      "store_unavailable",
      `${request.namespace}/${request.key}: writing the lease took longer than its ttl`,
      { outcomeUnknown: true },
    );
  }

  #wait(request: CheckedAcquire, call: LockdCall, seen: Held): Promise<Granted> {
    const { clock } = this.#options;
    const signal = call.waitSignal ?? call.signal;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const waiter: Waiter = {
        gone: false,
        attempt: () => this.#attempt(request),
        withdraw: (granted) => this.#withdraw(request, granted),
        settle: (outcome) => {
          deadline?.cancel();
          signal?.removeEventListener("abort", onAbort);
          if (outcome.kind === "granted") resolve(outcome.granted);
          else reject(outcome.error);
        },
      };
      const leave = (error: unknown): void => {
        waiter.gone = true;
        this.#room.leave(request.name, waiter);
        waiter.settle({ kind: "failed", error });
      };
      const onAbort = (): void => leave(signal?.reason);
      const deadline =
        request.waitSeconds === undefined
          ? undefined
          : clock.schedule(request.waitSeconds * 1000, () =>
              leave(this.#waitingError(request, this.#room.lastHeld(request.name) ?? seen)),
            );
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        this.#room.join(request.name, waiter, seen);
      } catch (error) {
        leave(error);
      }
    });
  }

  async #withdraw(request: CheckedAcquire, granted: Granted): Promise<void> {
    // Who gave an idempotency key comes back for the lease, and may have done so already.
    if (request.binding !== undefined) return;
    await this.#shell.transact(request.name, (record, nowUnix) =>
      withdrawGrant(record, granted.lease.id, nowUnix),
    );
  }

  /** The error of a caller that does not wait, with what is known of the holder now. */
  async #waiting(request: CheckedAcquire, seen: Held | undefined): Promise<LockdError> {
    if (seen !== undefined) return this.#waitingError(request, seen);
    const record = await this.#shell.read(request.name);
    return failure("waiting", `others wait for ${request.namespace}/${request.key} already`, {
      retryAfterMs: 1000,
      currentVersion: record?.version ?? 0,
      currentEtag: record?.state?.etag ?? "",
    });
  }

  #waitingError(request: CheckedAcquire, held: Held): LockdError {
    const leftMs = held.lease.expiresAtUnix * 1000 - this.#options.clock.wallMs();
    const seconds = Math.max(1, Math.ceil(leftMs / 1000));
    return failure(
      "waiting",
      `${request.namespace}/${request.key} is held by ${held.lease.owner} ` +
        `(fencing token ${held.lease.fencingToken}) for another ${seconds} s at most`,
      {
        retryAfterMs: seconds * 1000,
        currentVersion: held.version,
        currentEtag: held.etag,
      },
    );
  }
}

/** A lease whose joint transaction nobody can tell about is as good as held (section 4.5). */
function heldInDoubt(error: unknown): Held {
  if (!(error instanceof InDoubt) || error.record.lease === undefined) throw error;
  const { lease, version, state } = error.record;
  return { kind: "held", lease, version, etag: state?.etag ?? "" };
}

/** Absent or not positive: the default; above the maximum: clamped (section 10.1). */
export function ttlSecondsOf(raw: number | undefined, options: EngineOptions): number {
  const asked = raw === undefined || raw <= 0 ? options.defaultTtlSeconds : raw;
  return Math.min(asked, options.maxTtlSeconds);
}
