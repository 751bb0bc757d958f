import type { LockdCall } from "../api/lockd.ts";

/** Pauses and counted failures of a waiting acquire; negative `failureRetries` is unlimited. */
export interface CallBackoff {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly multiplier: number;
  readonly jitterMs: number;
  readonly failureRetries: number;
}

/**
 * What the HTTP carrier understands beyond the call of the interface. Other carriers ignore it, so
 * sessions pass it to whatever `Lockd` they hold.
 */
export interface CarrierCall extends LockdCall {
  /** URL of the endpoint to try first: the one that granted the lease. */
  readonly preferEndpoint?: string | undefined;
  /** Told which endpoint gave the answer. */
  readonly onEndpoint?: ((endpoint: string) => void) | undefined;
  /** A dedupe key for an enqueue that names none, used by carriers whose answers can get lost. */
  readonly repeatKey?: string | undefined;
  /** Changes to the carrier's pauses of a waiting acquire. */
  readonly backoff?: Partial<CallBackoff> | undefined;
}
