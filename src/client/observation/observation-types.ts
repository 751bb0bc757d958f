/** What a program sees of a lockd from outside (client-sdk.md); nothing here ever writes. */
import type {
  ChangeEvent,
  ChangesRequest,
  Overview,
  OverviewRequest,
} from "../../api/observation.ts";
import type { Call } from "../types.ts";

export type {
  ChangeEvent,
  ChangeKind,
  ChangesRequest,
  Overview,
  OverviewCounts,
  OverviewLease,
  OverviewRequest,
} from "../../api/observation.ts";

export interface EventOptions {
  /** Told when the stream broke or ended and is opened again; `undefined` for an end. */
  onInterruption?: ((error: unknown) => void) | undefined;
}

export interface ObservationApi {
  /** One bounded look at everything; all namespaces unless some are named. */
  overview(r?: OverviewRequest, o?: Call): Promise<Overview>;
  /**
   * What happens from now on, or behind `after`, or from `fromVersion` on. A stream that breaks is
   * opened again where it broke, at whoever answers, and no version of a key is told twice; with
   * `key` or `prefix` no commit is lost however often that happens. Ends with the signal (without
   * an error), with `break`, and when the client closes.
   *
   * @example for await (const { kind, key } of client.observation.events({ prefix: "jobs/" })) ...
   * @throws LockdApiError when the first stream is refused, LockdTransportError likewise
   */
  events(r?: ChangesRequest, o?: Call<EventOptions>): AsyncIterable<ChangeEvent>;
}

export interface ObservationMethods {
  /** Overview and events of what this client reaches. */
  readonly observation: ObservationApi;
}
