import type { Clock } from "../../engine/ports/clock.ts";
import type {
  ApplyResult,
  ChangePage,
  NamePage,
  ObjectPage,
  PageOptions,
  Plan,
  Store,
  StoredObject,
} from "../../engine/ports/store.ts";
import { ForwardingStore } from "./forwarding-store.ts";

export type StoreVerb =
  | "get"
  | "getMany"
  | "apply"
  | "putStream"
  | "deleteStream"
  | "list"
  | "scan"
  | "changes";

/** What one verb added up to. */
export interface VerbFigures {
  calls: number;
  /** Calls that rejected. */
  failures: number;
  /** Bytes read by get, getMany and scan, written by apply and putStream. */
  bytes: number;
  /** Milliseconds in all, and of the slowest call. */
  totalMs: number;
  maxMs: number;
}

function noFigures(): VerbFigures {
  return { calls: 0, failures: 0, bytes: 0, totalMs: 0, maxMs: 0 };
}

/** Counts calls, bytes and time of each verb. */
export class MeteredStore extends ForwardingStore {
  readonly figures: Readonly<Record<StoreVerb, VerbFigures>> = {
    get: noFigures(),
    getMany: noFigures(),
    apply: noFigures(),
    putStream: noFigures(),
    deleteStream: noFigures(),
    list: noFigures(),
    scan: noFigures(),
    changes: noFigures(),
  };
  readonly #clock: Clock;

  constructor(inner: Store, clock: Clock) {
    super(inner);
    this.#clock = clock;
  }

  override get(name: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    return this.#measured(
      "get",
      () => super.get(name, signal),
      (found) => found?.bytes.length ?? 0,
    );
  }

  override getMany(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredObject | undefined)[]> {
    return this.#measured(
      "getMany",
      () => super.getMany(names, signal),
      (found) => found.reduce((sum, one) => sum + (one?.bytes.length ?? 0), 0),
    );
  }

  override apply(plan: Plan): Promise<ApplyResult> {
    const written = (): number =>
      plan.reduce((sum, step) => sum + (step.kind === "put" ? step.bytes.length : 0), 0);
    return this.#measured("apply", () => super.apply(plan), written);
  }

  override putStream(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }> {
    const put = () => super.putStream(name, source, signal);
    return this.#measured("putStream", put, ({ size }) => size);
  }

  override deleteStream(name: string): Promise<void> {
    return this.#measured(
      "deleteStream",
      () => super.deleteStream(name),
      () => 0,
    );
  }

  override list(prefix: string, options: PageOptions): Promise<NamePage> {
    return this.#measured(
      "list",
      () => super.list(prefix, options),
      () => 0,
    );
  }

  override scan(prefix: string, options: PageOptions): Promise<ObjectPage> {
    return this.#measured(
      "scan",
      () => super.scan(prefix, options),
      ({ objects }) => objects.reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
  }

  override changesSince(cursor: string | undefined, limit: number): Promise<ChangePage> {
    return this.#measured(
      "changes",
      () => super.changesSince(cursor, limit),
      ({ objects }) => objects.reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
  }

  async #measured<T>(
    verb: StoreVerb,
    run: () => Promise<T>,
    bytesOf: (result: T) => number,
  ): Promise<T> {
    const figures = this.figures[verb];
    const from = this.#clock.monotonicMs();
    figures.calls += 1;
    try {
      const result = await run();
      figures.bytes += bytesOf(result);
      return result;
    } catch (error) {
      figures.failures += 1;
      throw error;
    } finally {
      const ms = this.#clock.monotonicMs() - from;
      figures.totalMs += ms;
      figures.maxMs = Math.max(figures.maxMs, ms);
    }
  }
}
