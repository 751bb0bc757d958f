/**
 * A small world for the index of segments: nodes that commit documents and publish them over a
 * faulty store, die in the middle and come back. When the faults are over and everybody has
 * published once, the index must find whatever a scan of the store finds.
 */
import { silentTelemetry } from "../../../src/engine/ports/telemetry.ts";
import { SegmentStore } from "../../../src/engine/query/index/segments/segment-store.ts";
import { StoreIndex } from "../../../src/engine/query/index/store-index.ts";
import { absentRecord, recordName, recordPrefix } from "../../../src/engine/record/key-record.ts";
import { decodeRecord, encodeRecord } from "../../../src/engine/record/record-codec.ts";
import { compileSelector } from "../../../src/lql/match/compile-selector.ts";
import { checkSelector } from "../../../src/lql/selector/check-selector.ts";
import { drawFaults, Faults } from "../faults.ts";
import type { Mutant } from "../mutant.ts";
import { SimProcess } from "../process.ts";
import { Rng } from "../rng.ts";
import { Scheduler } from "../scheduler.ts";
import { HardwareClock, SimClock } from "../sim-clock.ts";
import { simRandom } from "../sim-random.ts";
import { SimStore } from "../sim-store.ts";
import { StoreTruth } from "../store-truth.ts";
import { Trace } from "../trace.ts";
import type { Violation } from "../violation.ts";

/** Virtual milliseconds: of work, and within which a publication without faults is over. */
const workMs = 60_000;
const publishedWithinMs = 60_000;
const keyCount = 12;
const words = ["open", "held", "done"];

export interface IndexRun {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly publications: number;
  readonly documents: number;
  readonly faults: number;
}

interface IndexOptions {
  readonly mutant?: Mutant;
  readonly trace?: boolean;
}

interface Life {
  readonly index: StoreIndex;
  readonly store: SimStore;
}

class IndexNode {
  readonly process = new SimProcess();
  readonly #boot: (process: SimProcess) => Life;
  current: Life;

  constructor(boot: (process: SimProcess) => Life) {
    this.#boot = boot;
    this.current = boot(this.process);
  }

  restart(): void {
    if (this.process.up) this.process.kill();
    this.process.revive();
    this.current = this.#boot(this.process);
  }
}

class IndexWorld {
  readonly #rng: Rng;
  readonly #scheduler: Scheduler;
  readonly #faults: Faults;
  readonly #trace: Trace;
  readonly #truth = new StoreTruth();
  readonly #exclusive: boolean;
  readonly #nodes: readonly IndexNode[];
  readonly #violations: Violation[] = [];
  #heal: () => void = () => {};
  #versions = 0;
  #publications = 0;
  #lives = 0;

  constructor(seed: number, options: IndexOptions) {
    this.#trace = new Trace(options.trace ?? false);
    this.#rng = new Rng(seed, "index");
    this.#scheduler = new Scheduler(this.#rng.fork("ties"));
    this.#exclusive = this.#rng.chance(0.35);
    const run = { exclusive: this.#exclusive, clockFaults: false };
    this.#faults = new Faults(this.#rng.fork("faults"), drawFaults(this.#rng, run));
    const healed = new Promise<void>((resolve) => {
      this.#heal = resolve;
    });
    const count = this.#exclusive ? 1 : this.#rng.pick([1, 2, 3]);
    this.#nodes = Array.from(
      { length: count },
      (_, number) => new IndexNode((process) => this.#boot(number, process, healed)),
    );
  }

  async run(seed: number): Promise<IndexRun> {
    const untilMs = this.#scheduler.now + workMs;
    for (const node of this.#nodes) void this.#work(node, untilMs);
    await this.#scheduler.run(untilMs);
    this.#faults.stop();
    this.#heal();
    for (const node of this.#nodes) if (!node.process.up) node.restart();
    await this.#scheduler.run(untilMs + publishedWithinMs);
    for (const [number, node] of this.#nodes.entries()) await this.#check(`n${number}`, node);
    const faults = [...this.#faults.counts.values()].reduce((sum, count) => sum + count, 0);
    return {
      seed,
      violations: this.#violations,
      traceHash: this.#trace.hash,
      trace: this.#trace.lines,
      publications: this.#publications,
      documents: this.#truth.objects(recordPrefix).length,
      faults,
    };
  }

  #boot(number: number, process: SimProcess, healed: Promise<void>): Life {
    this.#lives += 1;
    const scheduler = this.#scheduler;
    const store = new SimStore({
      truth: this.#truth,
      scheduler,
      process,
      faults: this.#faults,
      rng: this.#rng.fork("store"),
      trace: this.#trace,
      exclusive: this.#exclusive,
      atomicPlan: false,
      user: `n${number}`,
      onPoint: (point) => this.#maybeDie(process, point),
      healed,
    });
    const hardware = new HardwareClock(scheduler, { originMs: 0, offsetMs: 0, rate: 1 });
    const clock = new SimClock({ scheduler, hardware, process });
    const random = simRandom(this.#rng.fork("random"), this.#lives);
    const terms = new SegmentStore({ store, random });
    const telemetry = silentTelemetry;
    return { store, index: new StoreIndex({ store, terms, clock, telemetry, publishes: true }) };
  }

  /** The process dies at any point of a write, and comes back after a while. */
  #maybeDie(process: SimProcess, _point: string): void {
    if (!this.#faults.strikes("node-crash")) return;
    process.kill();
    if (this.#exclusive) this.#truth.loseUnsynced(this.#rng);
    const node = this.#nodes.find((one) => one.process === process);
    this.#scheduler.after(this.#rng.between(10, 5_000), () => {
      if (node?.process.up === false) node.restart();
    });
  }

  async #work(node: IndexNode, untilMs: number): Promise<void> {
    while (this.#scheduler.now < untilMs) {
      await this.#scheduler.sleep(this.#rng.between(1, 400));
      if (!node.process.up) continue;
      const { index } = node.current;
      if (this.#rng.chance(0.8)) {
        void this.#commit(node);
        continue;
      }
      void index.flush("default").then(
        () => {
          this.#publications += 1;
        },
        () => undefined,
      );
    }
  }

  async #commit({ current }: IndexNode): Promise<void> {
    this.#versions += 1;
    const version = this.#versions;
    const key = `k${this.#rng.below(keyCount)}`;
    const document = {
      n: version,
      word: this.#rng.pick(words),
      list: [version % 3, `v${version}`],
    };
    const bytes = Buffer.from(JSON.stringify(document));
    const removed = this.#rng.chance(0.1);
    const place = { kind: "inline" as const, bytes };
    const record = {
      ...absentRecord,
      version,
      fencingToken: version,
      state: removed ? undefined : { etag: `e${version}`, size: bytes.length, place },
      queryHidden: this.#rng.chance(0.1),
    };
    const put = {
      kind: "put" as const,
      name: recordName("default", key),
      bytes: encodeRecord(record, `w${version}`),
      when: { kind: "any" as const },
    };
    const result = await current.store.apply([put]).catch(() => undefined);
    if (result !== undefined) current.index.noteCommit("default");
  }

  async #check(name: string, { current }: IndexNode): Promise<void> {
    const flushed = await this.#within(current.index.flush("default"));
    if (flushed === undefined) return this.#violate(`${name} cannot publish`);
    const status = await this.#within(current.index.status("default"));
    if (status?.pending !== 0) this.#violate(`${name} has ${status?.pending} pending commits`);
    for (const json of [
      {},
      ...words.map((value) => ({ eq: { field: "/word", value } })),
      { range: { field: "/n", gte: this.#versions - 20 } },
      { prefix: { field: "/list[]", value: "v1" } },
    ]) {
      const selector = checkSelector(json);
      const query = { namespace: "default", selector, after: undefined, limit: 100 };
      const page = await this.#within(current.index.candidates(query));
      const expected = this.#scan(json);
      const missed = expected.matching.filter((key) => page?.keys.includes(key) !== true);
      if (missed.length > 0) this.#violate(`${name} misses ${missed} of ${JSON.stringify(json)}`);
      const invented = page?.keys.filter((key) => !expected.visible.includes(key)) ?? [];
      if (invented.length > 0) this.#violate(`${name} still finds ${invented}`);
    }
  }

  #scan(json: unknown): { readonly matching: string[]; readonly visible: string[] } {
    const matcher = compileSelector(checkSelector(json), { nowMs: 0 });
    const matching: string[] = [];
    const visible: string[] = [];
    for (const { name, bytes } of this.#truth.objects(recordPrefix)) {
      const { state, queryHidden } = decodeRecord(name, bytes).record;
      if (state?.place.kind !== "inline" || queryHidden === true) continue;
      const key = name.slice(recordName("default", "").length);
      visible.push(key);
      if (matcher.matches(state.place.bytes)) matching.push(key);
    }
    return { matching, visible };
  }

  #violate(text: string): void {
    const atMs = this.#scheduler.now;
    this.#violations.push({ property: "P05 index", key: "", text, atMs });
  }

  async #within<T>(promise: Promise<T>): Promise<T | undefined> {
    let result: { readonly value: T } | undefined;
    promise.then(
      (value) => {
        result = { value };
      },
      (error: unknown) => this.#violate(String(error)),
    );
    const untilMs = this.#scheduler.now + publishedWithinMs;
    await this.#scheduler.run(untilMs, () => result !== undefined);
    return result?.value;
  }
}

/** Runs one seed to its end and checks it. */
export async function runIndexWorld(seed: number, options: IndexOptions = {}): Promise<IndexRun> {
  const uninstall = options.mutant?.install?.();
  try {
    return await new IndexWorld(seed, options).run(seed);
  } finally {
    uninstall?.();
  }
}
