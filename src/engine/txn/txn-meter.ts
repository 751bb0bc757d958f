import { loggedParticipantsMax, txnWatchdogMs } from "../limits.ts";
import type { Meter } from "../metering/meter.ts";
import type { Clock } from "../ports/clock.ts";
import type { EngineCounter, EngineHistogram } from "../ports/metrics.ts";
import type { LogFields, Telemetry } from "../ports/telemetry.ts";
import type { Participant } from "./txn-record.ts";

/**
 * Who made recovery look at transactions: traffic, the idle sweeper, the pass over all of them at
 * the start, or somebody who asked for one.
 */
export type SweepMode = "transparent" | "idle" | "replay" | "manual";

/** What is watched for taking too long (section 8.5). */
export type TxnOperation =
  | "decide"
  | "prepare"
  | "commit"
  | "rollback"
  | "apply"
  | "replay"
  | "sweep";

/** Work that is timed. */
export interface TimedWork<T> {
  readonly operation: TxnOperation;
  /** Told when it takes too long; names the transaction. */
  readonly fields: LogFields;
  readonly histogram: EngineHistogram;
  /** The value of the histogram's label; undefined after an error. */
  readonly label: (result: T | undefined) => string;
}

const sys = "txn.core";

/** Counts, times and logs what happens to transactions. */
export class TxnMeter {
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #meter: Meter;

  constructor(ports: { readonly clock: Clock; readonly telemetry: Telemetry }, meter: Meter) {
    this.#clock = ports.clock;
    this.#telemetry = ports.telemetry;
    this.#meter = meter;
  }

  count(counter: EngineCounter, values: readonly string[] = [], by = 1): void {
    this.#meter.count(counter, values, by);
  }

  observe(histogram: EngineHistogram, value: string, ms: number): void {
    this.#meter.observe(histogram, [value], ms);
  }

  info(event: string, fields: LogFields): void {
    this.#telemetry.info(sys, event, fields);
  }

  warn(event: string, fields: LogFields): void {
    this.#telemetry.warn(sys, event, fields);
  }

  error(event: string, fields: LogFields): void {
    this.#telemetry.error(sys, event, fields);
  }

  /** A record or marker that cannot be read is passed over. */
  unreadable(name: string, error: unknown, mode: SweepMode): void {
    this.count("txn.sweep.load_errors", [mode]);
    this.warn("txn.load.error", { name, error: String(error) });
  }

  /** Times `work`, and says so while it takes suspiciously long. */
  async time<T>(timed: TimedWork<T>, work: () => Promise<T>): Promise<T> {
    const { operation, fields } = timed;
    const startedAt = this.#clock.monotonicMs();
    const elapsedMs = (): number => this.#clock.monotonicMs() - startedAt;
    const watchdog = this.#clock.schedule(txnWatchdogMs, () => {
      this.warn(`txn.${operation}.watchdog`, {
        ...fields,
        elapsed_ms: elapsedMs(),
        threshold_ms: txnWatchdogMs,
      });
    });
    let result: T | undefined;
    try {
      result = await work();
      return result;
    } finally {
      watchdog.cancel();
      const ms = elapsedMs();
      if (ms > txnWatchdogMs) {
        const limit = { elapsed_ms: ms, threshold_ms: txnWatchdogMs };
        this.warn(`txn.${operation}.slow`, { ...fields, ...limit });
      }
      this.observe(timed.histogram, timed.label(result), ms);
    }
  }
}

/** Participants as they stand in a line of the log: names, and how many more there are. */
export function participantsText(participants: readonly Participant[]): string {
  const names = participants
    .slice(0, loggedParticipantsMax)
    .map(({ namespace, key, backendHash }) =>
      backendHash === "" ? `${namespace}/${key}` : `${namespace}/${key}@${backendHash}`,
    );
  const more = participants.length - names.length;
  return [...names, ...(more === 0 ? [] : [`and ${more} more`])].join(" ");
}
