/**
 * The store port as one life of a node sees it: every call takes virtual time, every write passes
 * points at which the node can die, and every fault of the store strikes here.
 *
 * Two variants. Shared: a remote store that many nodes write with compare-and-swap; what was sent
 * lands whatever becomes of the sender. Exclusive: the node's own disk with a volatile cache; what
 * is not synced when the node dies may be lost, and nothing lands after it died.
 */
import {
  type ApplyResult,
  type ChangePage,
  type NamePage,
  type ObjectPage,
  type ObjectStream,
  type PageOptions,
  type Plan,
  type Store,
  type StoreCapabilities,
  type StoredObject,
  StoreFailure,
  type StreamPage,
  type VersionTag,
} from "../../src/engine/ports/store.ts";
import type { FaultKind, Faults } from "./faults.ts";
import type { SimProcess } from "./process.ts";
import type { Rng } from "./rng.ts";
import type { Scheduler } from "./scheduler.ts";
import type { StoreTruth } from "./store-truth.ts";
import type { Trace } from "./trace.ts";

export interface SimStoreParts {
  readonly truth: StoreTruth;
  readonly scheduler: Scheduler;
  readonly process: SimProcess;
  readonly faults: Faults;
  readonly rng: Rng;
  readonly trace: Trace;
  readonly exclusive: boolean;
  readonly atomicPlan: boolean;
  /** Who uses it, for the trace. */
  readonly user: string;
  /** Told at every point between two steps of a write: the crash enumeration dies here. */
  readonly onPoint: (point: string) => void;
  /** When hung calls are answered at last. */
  readonly healed: Promise<void>;
}

/** What becomes of one write, drawn when it is sent. */
type WriteFate =
  | "works"
  | "store-full"
  | "store-unavailable"
  | "store-request-lost"
  | "store-answer-lost"
  | "store-write-late"
  | "store-hang"
  | "store-conflict-retry";

const writeFates: readonly Exclude<WriteFate, "works">[] = [
  "store-full",
  "store-unavailable",
  "store-request-lost",
  "store-answer-lost",
  "store-write-late",
  "store-hang",
  "store-conflict-retry",
];

/** Milliseconds after which a caller of the store gives up on an answer. */
const storeTimeoutMs = 3_000;

export class SimStore implements Store {
  readonly label = "sim";
  readonly capabilities: StoreCapabilities;
  readonly #parts: SimStoreParts;
  readonly #life: number;
  /** Calls so far, for the size of a run. */
  calls = 0;

  constructor(parts: SimStoreParts) {
    this.#parts = parts;
    this.#life = parts.process.life;
    const { atomicPlan, exclusive } = parts;
    this.capabilities = { atomicPlan, exclusive, watch: false, changes: true };
  }

  async get(name: string): Promise<StoredObject | undefined> {
    this.calls += 1;
    await this.#travel("store-read-slow");
    if (this.#parts.faults.strikes("store-read-unavailable")) throw this.#unavailable(name);
    const object = this.#parts.truth.durable.get(name);
    await this.#travel("store-read-slow");
    return object;
  }

  /** Each of its own moment, as the port allows. */
  async getMany(names: readonly string[]): Promise<readonly (StoredObject | undefined)[]> {
    this.calls += 1;
    await this.#travel("store-read-slow");
    if (this.#parts.faults.strikes("store-read-unavailable")) {
      throw this.#unavailable(names[0] ?? "");
    }
    const objects: (StoredObject | undefined)[] = [];
    for (const name of names) {
      objects.push(this.#parts.truth.durable.get(name));
      if (objects.length < names.length) await this.#travel();
    }
    await this.#travel("store-read-slow");
    return objects;
  }

  async getStream(name: string): Promise<ObjectStream | undefined> {
    this.calls += 1;
    await this.#travel("store-read-slow");
    if (this.#parts.faults.strikes("store-read-unavailable")) throw this.#unavailable(name);
    const bytes = this.#parts.truth.streams.get(name);
    await this.#travel("store-read-slow");
    if (bytes === undefined) return undefined;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes as Uint8Array;
    }
    const body = { [Symbol.asyncIterator]: chunks, close: async () => {} };
    return { size: bytes.length, body };
  }

  async apply(plan: Plan): Promise<ApplyResult> {
    this.calls += 1;
    const fate = this.#drawFate();
    if (fate !== "works") this.#note(`${fate} ${plan[0]?.name ?? ""}`);
    await this.#travel("store-write-slow", "write-sent");
    switch (fate) {
      case "store-full":
        throw new StoreFailure("full", "no space left in the simulated store");
      case "store-unavailable":
        throw this.#unavailable(plan[0]?.name ?? "");
      case "store-conflict-retry":
        return { kind: "conflict", step: 0 };
      case "store-request-lost":
        await this.#wait(storeTimeoutMs * 0.2);
        return { kind: "unknown", cause: new Error("no answer") };
      case "store-answer-lost":
        await this.#perform(plan);
        await this.#wait(storeTimeoutMs * 0.2);
        return { kind: "unknown", cause: new Error("no answer") };
      case "store-write-late":
        this.#landLate(plan);
        await this.#wait(storeTimeoutMs * this.#parts.rng.between(0.01, 1));
        return { kind: "unknown", cause: new Error("no answer yet") };
      case "store-hang":
        if (this.#parts.rng.chance(0.5)) await this.#perform(plan);
        await this.#parts.healed;
        await this.#travel();
        return { kind: "unknown", cause: new Error("no answer for long") };
      default: {
        const result = await this.#perform(plan);
        await this.#travel("store-write-slow", "write-durable");
        return result;
      }
    }
  }

  async putStream(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }> {
    this.calls += 1;
    const parts: Uint8Array[] = [];
    for await (const part of source) {
      signal?.throwIfAborted();
      parts.push(Uint8Array.prototype.slice.call(part));
      await this.#travel(undefined, "stream-part");
    }
    if (this.#parts.faults.strikes("store-stream-broken")) throw this.#unavailable(name);
    const bytes = Buffer.concat(parts);
    this.#parts.truth.streams.set(name, bytes);
    this.#note(`put ${name}`);
    await this.#travel(undefined, "stream-durable");
    return { size: bytes.length };
  }

  async deleteStream(name: string): Promise<void> {
    this.calls += 1;
    await this.#travel(undefined, "delete-sent");
    if (this.#parts.faults.strikes("store-unavailable")) throw this.#unavailable(name);
    this.#parts.truth.streams.delete(name);
    this.#note(`deleted ${name}`);
    await this.#travel(undefined, "deleted");
  }

  async list(prefix: string, options: PageOptions): Promise<NamePage> {
    const { objects, more } = await this.scan(prefix, options);
    return { names: objects.map(({ name }) => name), more };
  }

  async scan(prefix: string, { after, limit }: PageOptions): Promise<ObjectPage> {
    this.calls += 1;
    await this.#travel();
    if (this.#parts.faults.strikes("store-read-unavailable")) throw this.#unavailable(prefix);
    const found = this.#parts.truth
      .objects(prefix)
      .filter(({ name }) => after === undefined || name > after);
    await this.#travel();
    return { objects: found.slice(0, limit), more: found.length > limit };
  }

  async changesSince(cursor: string | undefined, limit: number): Promise<ChangePage> {
    this.calls += 1;
    await this.#travel();
    if (this.#parts.faults.strikes("store-read-unavailable")) throw this.#unavailable("changes");
    const page = this.#parts.truth.changesSince(cursor, limit);
    await this.#travel();
    return page;
  }

  async listStreams(prefix: string, { after, limit }: PageOptions): Promise<StreamPage> {
    this.calls += 1;
    await this.#travel();
    if (this.#parts.faults.strikes("store-read-unavailable")) throw this.#unavailable(prefix);
    const found = this.#parts.truth
      .streamNames(prefix)
      .filter((name) => after === undefined || name > after);
    const names = found.slice(0, limit);
    return { names, next: found.length > limit ? names.at(-1) : undefined };
  }

  async close(): Promise<void> {}

  #drawFate(): WriteFate {
    for (const fate of writeFates) if (this.#parts.faults.strikes(fate)) return fate;
    return "works";
  }

  /** The steps of a plan, one after the other with time between them, and then the sync. */
  async #perform(plan: Plan): Promise<ApplyResult> {
    const { truth, exclusive, atomicPlan } = this.#parts;
    if (atomicPlan) {
      const failing = truth.firstFailing(plan);
      if (failing !== -1) return { kind: "conflict", step: failing };
    }
    const tags: (VersionTag | undefined)[] = [];
    truth.beginPlan(atomicPlan);
    for (const [at, step] of plan.entries()) {
      if (at > 0 && !atomicPlan) await this.#travel(undefined, "between-steps");
      const outcome = truth.stage(step);
      if (outcome.kind === "conflict") {
        // An answer tells what is so: the steps before are where everybody reads them.
        if (exclusive && at > 0) truth.sync();
        return { kind: "conflict", step: at };
      }
      tags.push(outcome.tag);
      if (!exclusive) truth.sync();
      this.#note(`wrote ${step.name} ${outcome.tag ?? "deleted"}`);
    }
    if (exclusive) {
      await this.#travel(undefined, "write-unsynced");
      truth.sync();
    }
    return { kind: "applied", tags };
  }

  /** The write takes effect some time after its sender was told that nobody knows. */
  #landLate(plan: Plan): void {
    const { scheduler, truth, rng } = this.#parts;
    scheduler.after(rng.between(1, storeTimeoutMs * 2), () => {
      if (this.#parts.atomicPlan && truth.firstFailing(plan) !== -1) return;
      for (const step of plan) {
        if (truth.stage(step).kind === "conflict") return;
        truth.sync();
        this.#note(`late ${step.name}`);
      }
    });
  }

  /** The way to or from the store: time passes; a dead node hears nothing. */
  async #travel(slow?: FaultKind, point?: string): Promise<void> {
    const { faults, rng, onPoint } = this.#parts;
    const isSlow = slow !== undefined && faults.strikes(slow);
    await this.#wait(isSlow ? rng.between(50, 2_500) : rng.between(0.05, 1.5));
    if (point === undefined) return;
    onPoint(point);
    // Whoever died at this point does not take the next step.
    if (!this.#parts.process.isAlive(this.#life)) await new Promise(() => {});
  }

  #wait(delayMs: number): Promise<void> {
    const { scheduler, process } = this.#parts;
    return new Promise((resolve) => {
      scheduler.after(delayMs, () => process.deliver(this.#life, resolve));
    });
  }

  #unavailable(name: string): StoreFailure {
    return new StoreFailure("unavailable", `${name}: the simulated store does not answer`);
  }

  #note(text: string): void {
    this.#parts.trace.note(this.#parts.scheduler.now, `${this.#parts.user} store ${text}`);
  }
}
