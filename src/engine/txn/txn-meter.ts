import { txnWatchdogMs } from "../limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { MeasureLabels, Measures } from "../ports/measures.ts";
import type { LogFields, Telemetry } from "../ports/telemetry.ts";

/** What is counted (transactions-and-islands.md section 20), without the prefix `lockd.txn.`. */
export type TxnCounter =
  | "decisions.recorded"
  | "apply.applied"
  | "apply.failed"
  | "apply.retries"
  | "sweep.applied"
  | "sweep.failed"
  | "sweep.pending_expired"
  | "sweep.load_errors"
  | "sweep.cleanup_deleted"
  | "sweep.cleanup_failed"
  | "decision.marker.deleted"
  | "decision.marker.failed"
  | "heuristic";

/** What is timed. */
export type TxnOperation = "decide" | "apply" | "replay" | "sweep";

export interface DurationSummary {
  readonly count: number;
  readonly sumMs: number;
  readonly maxMs: number;
}

export interface TxnMeterSnapshot {
  readonly counters: ReadonlyMap<TxnCounter, number>;
  readonly durations: ReadonlyMap<TxnOperation, DurationSummary>;
}

/** What made somebody look after recorded transactions. */
export type SweepMode = "transparent" | "idle" | "replay" | "manual";

/** Labels of what is counted about one transaction, and of what a sweep counts. */
export const ofState = (state: string): MeasureLabels => ({ lockd_txn_state: state });
export const ofSweep = (mode: SweepMode): MeasureLabels => ({ lockd_txn_sweep_mode: mode });

const sys = "txn.core";

/** Counts, times and logs what happens to transactions; read by whoever shows metrics. */
export class TxnMeter {
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #measures: Measures | undefined;
  readonly #counters = new Map<TxnCounter, number>();
  readonly #durations = new Map<TxnOperation, DurationSummary>();

  constructor(ports: {
    readonly clock: Clock;
    readonly telemetry: Telemetry;
    readonly measures?: Measures | undefined;
  }) {
    this.#clock = ports.clock;
    this.#telemetry = ports.telemetry;
    this.#measures = ports.measures;
  }

  snapshot(): TxnMeterSnapshot {
    return { counters: new Map(this.#counters), durations: new Map(this.#durations) };
  }

  count(counter: TxnCounter, labels: MeasureLabels, by = 1): void {
    if (by === 0) return;
    this.#counters.set(counter, (this.#counters.get(counter) ?? 0) + by);
    this.#measures?.count(`lockd.txn.${counter}`, by, labels);
  }

  /** A look of a sweep that took so long. */
  swept(mode: SweepMode, ms: number): void {
    this.#measures?.observe("lockd.txn.sweep.duration_ms", ms, ofSweep(mode));
    this.#add("sweep", ms);
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

  /** Times `work`, and says so while it takes suspiciously long (section 8.5). */
  async time<T>(
    operation: Exclude<TxnOperation, "sweep">,
    { txnId, state }: { readonly txnId: string; readonly state: string },
    work: () => Promise<T>,
  ): Promise<T> {
    const startedAt = this.#clock.monotonicMs();
    const elapsedMs = (): number => this.#clock.monotonicMs() - startedAt;
    const fields = { txn_id: txnId, threshold_ms: txnWatchdogMs };
    const watchdog = this.#clock.schedule(txnWatchdogMs, () => {
      this.warn(`txn.${operation}.watchdog`, { ...fields, elapsed_ms: elapsedMs() });
    });
    try {
      return await work();
    } finally {
      watchdog.cancel();
      const ms = elapsedMs();
      if (ms > txnWatchdogMs) this.warn(`txn.${operation}.slow`, { ...fields, elapsed_ms: ms });
      this.#measures?.observe(`lockd.txn.${operation}.duration_ms`, ms, ofState(state));
      this.#add(operation, ms);
    }
  }

  #add(operation: TxnOperation, ms: number): void {
    const before = this.#durations.get(operation) ?? { count: 0, sumMs: 0, maxMs: 0 };
    this.#durations.set(operation, {
      count: before.count + 1,
      sumMs: before.sumMs + ms,
      maxMs: Math.max(before.maxMs, ms),
    });
  }
}
