import { LockdConfigError } from "../api/errors.ts";
import { positiveMs } from "./call-options.ts";
import type { CallBackoff } from "./carrier-call.ts";
import {
  type ClientClock,
  type ClientRandom,
  systemClientClock,
  systemClientRandom,
} from "./client-ports.ts";
import {
  acquireBackoffDefault,
  closeTimeoutMsDefault,
  failureRetriesDefault,
  forUpdateTimeoutMsDefault,
  keepAliveTimeoutMsDefault,
} from "./limits.ts";
import type { ClientLogger, SessionOptions } from "./types.ts";

/** Complete and checked. */
export interface ResolvedSessionOptions {
  readonly namespace: string;
  readonly failureRetries: number;
  readonly closeTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly forUpdateTimeoutMs: number;
  readonly backoff: CallBackoff;
  readonly drainAware: boolean;
  readonly logger: ClientLogger;
  readonly clock: ClientClock;
  readonly random: ClientRandom;
}

const silentLogger: ClientLogger = { debug() {}, warn() {} };

/** @throws LockdConfigError for values that make no sense */
export function resolveSessionOptions(options: SessionOptions): ResolvedSessionOptions {
  const ms = (name: keyof SessionOptions, value: number | undefined, fallback: number): number =>
    value === undefined ? fallback : positiveMs(name, value);
  const closeTimeoutMs = ms("closeTimeoutMs", options.closeTimeoutMs, closeTimeoutMsDefault);
  const failureRetries = options.failureRetries ?? failureRetriesDefault;
  return {
    namespace: checkedNamespace(options.namespace ?? "default"),
    failureRetries,
    closeTimeoutMs,
    keepAliveTimeoutMs: Math.min(
      ms("keepAliveTimeoutMs", options.keepAliveTimeoutMs, keepAliveTimeoutMsDefault),
      closeTimeoutMs,
    ),
    forUpdateTimeoutMs: ms(
      "forUpdateTimeoutMs",
      options.forUpdateTimeoutMs,
      forUpdateTimeoutMsDefault,
    ),
    backoff: { ...acquireBackoffDefault, failureRetries },
    drainAware: options.drainAware ?? true,
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClientClock(),
    random: options.random ?? systemClientRandom(),
  };
}

/** The normal form of a namespace (http-core.md 7.1). @throws LockdConfigError */
export function checkedNamespace(text: string): string {
  const name = text.trim().toLowerCase();
  if (/^[a-z0-9_-][a-z0-9._-]{0,127}$/.test(name)) return name;
  throw new LockdConfigError(
    "invalid_namespace",
    `namespace "${text}" must be 1 to 128 of a-z 0-9 . _ - and not start with a dot`,
  );
}
