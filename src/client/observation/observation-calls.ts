import type {
  ChangeEvent,
  ChangesRequest,
  Overview,
  OverviewRequest,
} from "../../api/observation.ts";
import { callOptions } from "../call-options.ts";
import { closedError } from "../http-carrier.ts";
import type { QueueHost } from "../queue/queue-host.ts";
import { TransactionCalls } from "../txn/transaction-calls.ts";
import type { Call } from "../types.ts";
import { followChanges } from "./follow-changes.ts";
import type { EventOptions, ObservationApi, ObservationMethods } from "./observation-types.ts";

/** The observation of a client, above its transactions. */
export abstract class ObservationCalls extends TransactionCalls implements ObservationMethods {
  #observation: ObservationApi | undefined;

  get observation(): ObservationApi {
    this.#observation ??= new ClientObservation(this.queueHost);
    return this.#observation;
  }
}

class ClientObservation implements ObservationApi {
  readonly #host: QueueHost;

  constructor(host: QueueHost) {
    this.#host = host;
  }

  async overview(r: OverviewRequest = {}, o?: Call): Promise<Overview> {
    return await this.#host.lockd.observation.overview(r, this.#host.carrierCall(o));
  }

  async *events(r: ChangesRequest = {}, o?: Call<EventOptions>): AsyncGenerator<ChangeEvent> {
    const { lockd, options } = this.#host;
    const { signal, correlationId } = this.#host.carrierCall(o);
    const { onInterruption } = callOptions(o);
    const closing = new AbortController();
    const forget = this.#host.atClose(async () => closing.abort(closedError()));
    try {
      yield* followChanges(lockd.observation, this.#addressed(r), {
        clock: options.clock,
        signal: signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]),
        correlationId,
        onInterruption,
      });
    } finally {
      forget();
    }
  }

  /** A key, prefix or queue is in the client's namespace unless it says otherwise. */
  #addressed(r: ChangesRequest): ChangesRequest {
    const isAddress = (r.key ?? r.prefix ?? r.queue) !== undefined;
    return isAddress ? { ...r, namespace: r.namespace ?? this.#host.namespace } : r;
  }
}
