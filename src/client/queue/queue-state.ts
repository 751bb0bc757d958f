import { LockdConfigError } from "../../api/errors.ts";
import { stateKeyOf } from "../../api/message-keys.ts";
import type { DeliveredState, Delivery } from "../../api/queues.ts";
import { LeaseView } from "../lease-view.ts";
import { SessionCore } from "../session-core.ts";
import { StateCalls } from "../state-calls.ts";
import type { UpdateResult } from "../types.ts";
import type { QueueHost } from "./queue-host.ts";
import type { QueueStateHandle } from "./queue-types.ts";

/** The document of one delivery. Its lease is extended and given back with the message's. */
export class QueueState extends StateCalls implements QueueStateHandle {
  constructor(host: QueueHost, parts: StateParts) {
    super(stateCore(host, parts));
  }

  get key(): string {
    return this.core.view.facts.key;
  }

  get leaseId(): string {
    return this.core.view.facts.leaseId;
  }

  get fencingToken(): number {
    return this.core.view.fencingToken;
  }

  get stateEtag(): string {
    return this.core.view.stateEtag;
  }

  override updateAndRelease(): Promise<UpdateResult> {
    return settleInstead();
  }

  override saveAndRelease(): Promise<UpdateResult> {
    return settleInstead();
  }

  /** The message was settled. */
  end(): void {
    this.core.end();
  }
}

interface StateParts {
  readonly delivery: Delivery;
  readonly state: DeliveredState;
  readonly endpoint: string;
}

function stateCore(host: QueueHost, { delivery, state, endpoint }: StateParts): SessionCore {
  const { namespace, correlationId } = delivery;
  const view = new LeaseView({
    namespace,
    key: stateKeyOf(delivery),
    leaseId: state.leaseId,
    txnId: state.txnId,
    owner: "",
    expiresAtUnix: state.leaseExpiresAtUnix,
    version: 0,
    stateEtag: "",
    fencingToken: state.fencingToken,
    correlationId: correlationId === "" ? undefined : correlationId,
    endpoint,
    ttlSeconds: undefined,
    joined: true,
    sureUntilMs: undefined,
  });
  return new SessionCore({ ...host.options, lockd: host.lockd, view, ended: () => {} });
}

function settleInstead(): Promise<never> {
  const message = "the state of a message is published by settling the message";
  return Promise.reject(new LockdConfigError("invalid_option", message));
}
