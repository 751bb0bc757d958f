import { LockdApiError } from "../api/errors.ts";
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
import { acquireWaiting } from "./acquire-loop.ts";
import type { CarrierCall } from "./carrier-call.ts";
import { HttpAttachments } from "./http-attachments.ts";
import { HttpCarrier } from "./http-carrier.ts";
import type { HttpLockdOptions } from "./http-options.ts";
import { HttpObservation } from "./observation/http-observation.ts";
import { OutgoingBody } from "./outgoing-body.ts";
import { HttpQueries } from "./query/http-queries.ts";
import { HttpQueues } from "./queue/http-queues.ts";
import { isRepeatableMutate } from "./repeatable-mutate.ts";
import { HttpTransactions } from "./txn/http-transactions.ts";
import * as answers from "./wire-answer.ts";
import { acquireBody, jsonBytes, keepAliveBody, mutateBody, releaseBody } from "./wire-request.ts";

/**
 * lockd over HTTP. An acquire whose wait is over rejects with code `waiting`.
 *
 * @example const lockd = new HttpLockd({ endpoints: "unix:///run/lockd.sock" });
 */
export class HttpLockd implements Lockd {
  readonly queues: HttpQueues;
  readonly attachments: HttpAttachments;
  readonly transactions: HttpTransactions;
  readonly observation: HttpObservation;
  readonly queries: HttpQueries;
  readonly #carrier: HttpCarrier;

  /** Makes no request. @throws LockdConfigError */
  constructor(options: HttpLockdOptions) {
    this.#carrier = new HttpCarrier(options);
    this.observation = new HttpObservation(this.#carrier);
    this.queues = new HttpQueues(this.#carrier);
    this.attachments = new HttpAttachments(this.#carrier);
    this.queries = new HttpQueries(this.#carrier);
    this.transactions = new HttpTransactions(this.#carrier);
  }

  /** URLs of the endpoints as they are tried without shuffling. */
  get endpoints(): readonly string[] {
    return this.#carrier.options.endpoints.map((endpoint) => endpoint.url);
  }

  async acquire(request: AcquireRequest, call: CarrierCall = {}): Promise<AcquireResult> {
    const progress = this.#carrier.begin(
      call,
      request.blockSeconds === -1 ? undefined : this.#carrier.closing,
    );
    return await acquireWaiting({
      ...this.#carrier.options,
      blockSeconds: request.blockSeconds,
      backoff: { ...this.#carrier.options.backoff, ...call.backoff },
      progress,
      attempt: async (blockSeconds) => {
        const body = new OutgoingBody(acquireBody(request, blockSeconds));
        const wire = this.#carrier.requests.acquire(request, blockSeconds, body);
        return await this.#carrier.attempt(wire, progress, answers.acquireResult);
      },
    });
  }

  async keepAlive(request: KeepAliveRequest, call: CarrierCall = {}): Promise<KeepAliveResult> {
    const wire = this.#carrier.requests.keepAlive(
      request,
      new OutgoingBody(keepAliveBody(request)),
    );
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), (answer) =>
      answers.keepAliveResult(answer, request.fencingToken),
    );
  }

  async release(request: ReleaseRequest, call: CarrierCall = {}): Promise<ReleaseResult> {
    const wire = this.#carrier.requests.release(request, new OutgoingBody(releaseBody(request)));
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), answers.releaseResult);
  }

  async get(request: GetRequest, call: CarrierCall = {}): Promise<StateResult> {
    return await this.#carrier.attempt(
      this.#carrier.requests.get(request),
      this.#carrier.begin(call),
      answers.stateResult,
    );
  }

  /** Repeated after a lost answer when the body can be read again (bytes, `ReplayableBody`). */
  async update(
    request: UpdateRequest,
    body: BodyIn,
    call: CarrierCall = {},
  ): Promise<UpdateResult> {
    const wire = this.#carrier.requests.update(request, new OutgoingBody(body));
    return await this.#carrier.attemptUpdate(wire, this.#carrier.begin(call), (answer) =>
      answers.updateResult(answer, request.fencingToken),
    );
  }

  /** Repeated after a lost answer only when it cannot apply twice. */
  async mutate(request: MutateRequest, call: CarrierCall = {}): Promise<MutateResult> {
    const wire = this.#carrier.requests.mutate(request, {
      body: new OutgoingBody(mutateBody(request)),
      repeatable: isRepeatableMutate(request),
    });
    return await this.#carrier.attemptUpdate(wire, this.#carrier.begin(call), (answer) =>
      answers.mutateResult(answer, request.fencingToken),
    );
  }

  async remove(request: RemoveRequest, call: CarrierCall = {}): Promise<RemoveResult> {
    return await this.#carrier.attempt(
      this.#carrier.requests.remove(request),
      this.#carrier.begin(call),
      (answer) => answers.removeResult(answer, request.fencingToken),
    );
  }

  async updateMetadata(
    request: UpdateMetadataRequest,
    call: CarrierCall = {},
  ): Promise<UpdateMetadataResult> {
    const { queryHidden } = request;
    const patch = typeof queryHidden === "boolean" ? { query_hidden: queryHidden } : {};
    const body = new OutgoingBody(jsonBytes(patch));
    const wire = this.#carrier.requests.updateMetadata(request, body);
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), (answer) =>
      answers.updateMetadataResult(answer, request.fencingToken),
    );
  }

  async describe(request: KeyAddress, call: CarrierCall = {}): Promise<DescribeResult> {
    return await this.#carrier.attempt(
      this.#carrier.requests.describe(request),
      this.#carrier.begin(call),
      answers.describeResult,
    );
  }

  /** Falls back to describe when the server does not know the extension. */
  async status(request: KeyAddress, call: CarrierCall = {}): Promise<StatusResult> {
    const progress = this.#carrier.begin(call);
    try {
      return await this.#carrier.attempt(
        this.#carrier.requests.status(request),
        progress,
        answers.statusResult,
      );
    } catch (error) {
      const unknownPath = error instanceof LockdApiError && error.status === 404;
      if (!unknownPath) throw error;
    }
    const wire = this.#carrier.requests.describe(request);
    const description = await this.#carrier.attempt(wire, progress, answers.describeResult);
    return answers.statusOfDescription(description, this.#carrier.options.clock.wallMs());
  }

  /** Ends waiting acquires, lets other running calls finish in closeTimeoutMs, then cuts them. */
  close(): Promise<void> {
    return this.#carrier.close();
  }
}
