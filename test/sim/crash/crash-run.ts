/**
 * One run of the story with deaths: the first life tells the story and dies at a given point of its
 * writes, each further life recovers and dies at a point of its recovery, the last one lives.
 * Everything is virtual and without chance, so a run is replayed by its deaths.
 */
import { Faults } from "../faults.ts";
import type { Mutant } from "../mutant.ts";
import { SimNode } from "../node.ts";
import { Rng } from "../rng.ts";
import { Scheduler } from "../scheduler.ts";
import { StoreTruth } from "../store-truth.ts";
import { Trace } from "../trace.ts";
import { aftermath, fateOf, leftovers, snapshotOf } from "./aftermath.ts";
import {
  isCommit,
  leaseSeconds,
  prepareStory,
  type StoryEnd,
  type StoryProgress,
  tellStory,
} from "./story.ts";

export interface CrashMode {
  readonly exclusive: boolean;
  readonly atomicPlan: boolean;
  readonly end: StoryEnd;
  /** How long nobody is there after each death. */
  readonly downMs: number;
}

/** Dies at the `at`-th point; what a disk had not synced is lost, or just made it. */
export interface Death {
  readonly at: number;
  readonly unsynced: "lost" | "kept";
}

export interface CrashReport {
  readonly violations: readonly string[];
  /** Points the life after the last death passed: where the next death may be. */
  readonly points: number;
  /** What the first death left in the store; "" without one. */
  readonly left: string;
  /** True when the transaction was committed in the end. */
  readonly committed: boolean;
}

const decisionRetentionSeconds = 3_600;
/** Beyond the story's leases. */
const leasesOverMs = 2 * 60_000;
/** Beyond the ages at which the sweepers believe that a piece belongs to nobody. */
const orphanMs = 20 * 60_000;
const queueOrphanMs = 25 * 3_600_000;
const callMsMax = 60_000;
/** For what goes on after an answer: finishing, and deleting what nothing points at any more. */
const quietMs = 3_000;

export class CrashRun {
  readonly #mode: CrashMode;
  readonly #scheduler = new Scheduler(new Rng(1, "crash ties"));
  readonly #truth = new StoreTruth();
  readonly #node: SimNode;
  readonly #violations: string[] = [];
  readonly #progress: StoryProgress = { asked: false, answered: false };
  #counting = false;
  #points = 0;
  #death: Death | undefined;
  #died = false;
  #left = "";

  constructor(mode: CrashMode, mutant?: Mutant) {
    this.#mode = mode;
    const { exclusive, atomicPlan } = mode;
    const rng = new Rng(1, "crash");
    this.#node = new SimNode({
      name: "n0",
      number: 1,
      truth: this.#truth,
      exclusive,
      atomicPlan,
      scheduler: this.#scheduler,
      faults: new Faults(rng, new Map()),
      rng: rng.fork("node"),
      trace: new Trace(false),
      healed: Promise.resolve(),
      onPoint: () => this.#onPoint(),
      clockFaults: false,
      mutant,
      retentionSeconds: decisionRetentionSeconds,
    });
  }

  async run(deaths: readonly Death[]): Promise<CrashReport> {
    await this.#live(() => prepareStory(this.#node.engine));
    const before = snapshotOf(this.#truth);
    this.#arm(deaths[0]);
    await this.#live(() => tellStory(this.#node.engine, this.#mode.end, this.#progress));
    await this.#quiet();
    for (let life = 1; life <= deaths.length; life += 1) {
      if (!this.#died) return this.#report(`death ${life} never came`);
      await this.#restart();
      this.#arm(deaths[life]);
      await this.#recover();
    }
    const points = this.#points;
    this.#counting = false;
    await this.#checkEnd(before);
    return { ...this.#report(), points };
  }

  #report(problem?: string): CrashReport {
    const { committed } = fateOf(this.#truth);
    if (problem !== undefined) this.#violations.push(problem);
    return { violations: this.#violations, points: this.#points, left: this.#left, committed };
  }

  #onPoint(): void {
    if (!this.#counting || this.#died) return;
    this.#points += 1;
    if (this.#points !== this.#death?.at) return;
    this.#died = true;
    if (this.#death.unsynced === "kept") this.#truth.sync();
    this.#node.crash();
    if (this.#left === "") this.#left = JSON.stringify([...snapshotOf(this.#truth)]);
  }

  #arm(death: Death | undefined): void {
    this.#counting = true;
    this.#points = 0;
    this.#death = death;
    this.#died = false;
  }

  /** Runs `call` to its end or to this life's end. */
  async #live(call: () => Promise<unknown>): Promise<void> {
    let isDone = false;
    const finish = (error?: unknown): void => {
      isDone = true;
      if (error !== undefined) this.#violations.push(`failed: ${String(error)}`);
    };
    call().then(() => finish(), finish);
    const { now } = this.#scheduler;
    await this.#scheduler.run(now + callMsMax, () => isDone || this.#died);
    if (!isDone && !this.#died) this.#violations.push("never came to an end");
  }

  #quiet(): Promise<void> {
    return this.#scheduler.run(this.#scheduler.now + quietMs, () => this.#died);
  }

  async #restart(): Promise<void> {
    await this.#scheduler.run(this.#scheduler.now + this.#mode.downMs);
    this.#node.restart();
  }

  /** What a server does by itself once it is there and has nothing else to do. */
  async #recover(): Promise<void> {
    await this.#live(async () => {
      const { engine } = this.#node;
      await engine.transactions.recovery.started;
      await engine.sweep({ opsMax: 10_000, signal: undefined });
    });
    if (!this.#died) await this.#quiet();
  }

  async #later(ms: number): Promise<void> {
    await this.#scheduler.run(this.#scheduler.now + ms);
    await this.#recover();
  }

  async #checkEnd(before: ReadonlyMap<string, string>): Promise<void> {
    this.#violations.push(...aftermath(this.#truth, this.#terms("now"), before));
    const once = snapshotOf(this.#truth);
    this.#node.crash();
    this.#node.restart();
    await this.#recover();
    if (!isSame(once, snapshotOf(this.#truth))) this.#violations.push("recovering again changes");
    await this.#later(leasesOverMs);
    this.#violations.push(...aftermath(this.#truth, this.#terms("at the end"), before));
    await this.#later(orphanMs);
    await this.#later(decisionRetentionSeconds * 1000);
    await this.#later(queueOrphanMs);
    this.#violations.push(...leftovers(this.#truth));
  }

  #terms(when: "now" | "at the end") {
    const { end, downMs } = this.#mode;
    return {
      when,
      mayCommit: isCommit(end) && this.#progress.asked,
      mustCommit: isCommit(end) && this.#progress.answered,
      messageMayStay: downMs >= leaseSeconds * 1000 && !this.#progress.answered,
    };
  }
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([name, text]) => other.get(name) === text);
}
