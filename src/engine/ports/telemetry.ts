/** Fields of one log line. Never put state, payloads or key material in here. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Structured log with the contract's `sys` origin (security-and-operations.md section 16) and a
 * stable dotted event name as the message.
 */
export interface Telemetry {
  trace(sys: string, event: string, fields?: LogFields): void;
  debug(sys: string, event: string, fields?: LogFields): void;
  info(sys: string, event: string, fields?: LogFields): void;
  warn(sys: string, event: string, fields?: LogFields): void;
  error(sys: string, event: string, fields?: LogFields): void;
}

/** Drops everything; for callers that did not ask for logs. */
export const silentTelemetry: Telemetry = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
};
