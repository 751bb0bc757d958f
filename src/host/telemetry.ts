import type { LogFields, Telemetry } from "../engine/ports/telemetry.ts";
import { silentTelemetry } from "../engine/ports/telemetry.ts";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "none"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Other spellings the configuration accepts. */
const levelAliases: Readonly<Record<string, LogLevel>> = {
  panic: "fatal",
  disabled: "none",
  off: "none",
};

/** The level of a text, or undefined when it is none. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const word = text.trim().toLowerCase();
  return logLevels.find((level) => level === word) ?? levelAliases[word];
}

export interface TelemetryOptions {
  readonly level: LogLevel;
  /** `console` is for people; JSON lines otherwise (LOCKD_LOG_MODE). */
  readonly mode: "json" | "console";
  /** `time`, `level`, `message` in place of the short names (LOCKD_LOG_VERBOSE_FIELDS). */
  readonly verboseFields?: boolean;
  /** Where lines go; standard error unless a test says otherwise. */
  readonly write?: (line: string) => void;
}

/**
 * Structured logs: one JSON object a line with ts, lvl, msg, app, sys and the fields, in this order
 * (security-and-operations.md section 16). The library is loaded only when lines are wanted.
 */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  if (options.level === "none") return silentTelemetry;
  const { pino } = await import("pino");
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  const json = options.verboseFields === true ? verbose : ordered;
  const render = options.mode === "console" ? consoleLine : json;
  const log = pino(
    {
      level: options.level,
      base: { app: "lockd" },
      formatters: { level: (lvl) => ({ lvl }) },
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    },
    { write: (line: string) => write(render(line)) },
  );
  const line =
    (level: "trace" | "debug" | "info" | "warn" | "error") =>
    (sys: string, event: string, fields?: LogFields): void =>
      log[level]({ sys, ...fields }, event);
  return {
    trace: line("trace"),
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  };
}

interface Line extends Readonly<Record<string, unknown>> {
  readonly ts: string;
  readonly lvl: string;
  readonly msg: string;
}

function ordered(text: string): string {
  const { ts, lvl, msg, ...fields } = JSON.parse(text) as Line;
  return `${JSON.stringify({ ts, lvl, msg, ...fields })}\n`;
}

function verbose(text: string): string {
  const { ts: time, lvl: level, msg: message, ...fields } = JSON.parse(text) as Line;
  return `${JSON.stringify({ time, level, message, ...fields })}\n`;
}

function consoleLine(text: string): string {
  const { ts, lvl, msg, app: _app, ...fields } = JSON.parse(text) as Line & { app: unknown };
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return `${ts} ${lvl.toUpperCase().padEnd(5)} ${msg} ${rest.join(" ")}\n`;
}
