import type { Clock } from "./ports/clock.ts";
import type { Random } from "./ports/random.ts";
import type { Store } from "./ports/store.ts";
import type { Telemetry } from "./ports/telemetry.ts";
import type { NamespaceIndex } from "./query/candidates.ts";
import type { QueueSettings } from "./queue/queue-settings.ts";
import type { TxnSettings } from "./txn/txn-settings.ts";

/** Everything the engine may vary by; resolved once at the edge, complete inside. */
export interface EngineOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Namespace of requests that name none; already normalised. */
  readonly defaultNamespace: string;
  readonly jsonBytesMax: number;
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly acquireBlockSeconds: number;
  /** What of transactions is not as usual. */
  readonly transactions?: Partial<TxnSettings> | undefined;
  /** Version of the program, told in overviews. */
  readonly version?: string | undefined;
  /** What differs from the defaults of queues. */
  readonly queues?: Partial<QueueSettings> | undefined;
  /** Finds keys by content; without one queries scan. */
  readonly index?: NamespaceIndex | undefined;
  /** Engine of namespaces that chose none; the index where there is one. */
  readonly queryEngineDefault?: "index" | "scan" | undefined;
}
