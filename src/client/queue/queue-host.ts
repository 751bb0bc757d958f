import type { Lockd } from "../../api/lockd.ts";
import type { CarrierCall } from "../carrier-call.ts";
import type { ResolvedSessionOptions } from "../client-options.ts";
import type { ClientShared } from "../client-shared.ts";
import type { Call, LockdClient } from "../types.ts";
import type { ExtendingThread } from "./extending-thread.ts";

/** What the queue side needs of the client it belongs to. */
export interface QueueHost {
  readonly client: LockdClient;
  readonly lockd: Lockd;
  readonly options: ResolvedSessionOptions;
  readonly namespace: string;
  /** Extends leases beside this event loop; undefined where there is no such way. */
  readonly extending: ExtendingThread | undefined;
  /** @throws LockdConfigError when the client was closed */
  carrierCall(given: Call<object> | undefined): CarrierCall;
  /** Warns of what the client does not have to be told twice. */
  warnOnce(event: string, fields: Record<string, unknown>): void;
  /** Runs `close` when the client closes, unless the answered function was called before. */
  atClose(close: () => Promise<void>): () => void;
}

/** The host that a client is for its queue side. */
export function queueHostOf(
  client: LockdClient,
  shared: ClientShared,
  carrierCall: QueueHost["carrierCall"],
): QueueHost {
  return {
    client,
    lockd: shared.lockd,
    options: shared.options,
    extending: shared.extending,
    get namespace() {
      return shared.namespace;
    },
    carrierCall,
    warnOnce: (event, fields) => shared.warnOnce(event, fields),
    atClose: (close) => {
      shared.closers.add(close);
      return () => shared.closers.delete(close);
    },
  };
}
