/**
 * Writes the journal: checks plans in memory, groups them into frames, and hands full segments over
 * to be moved into SQLite behind everybody's back.
 *
 * Two frames may be in flight: what comes in during a sync need not wait for its end. They become
 * durable in any order, but are acknowledged in theirs: a plan of the second one was decided on top
 * of the first. When the first one fails, nobody is told that the second one was written.
 *
 * Life: opening -> writing -> (failed) -> closed. `failed` is for ever: after a sync that failed
 * nothing the device says can be believed (reliability.md F04).
 */
import assert from "node:assert";
import { randomBytes } from "node:crypto";
import { type ApplyResult, type Plan, StoreFailure } from "../../../engine/ports/store.ts";
import { storeFailureOf } from "../sqlite-failure.ts";
import { type SqliteRows, tagOf } from "../sqlite-rows.ts";
import { firstFailingStep } from "./check-plan.ts";
import {
  encodeFrame,
  entryLengthMax,
  FrameEncoder,
  frameHeaderBytes,
  frameLength,
  type JournalEntry,
} from "./frame.ts";
import { type JournalFiles, systemFiles } from "./journal-files.ts";
import { moveSegment } from "./move-segment.ts";
import { Mover, type SegmentMover } from "./mover.ts";
import { SealedSegments } from "./sealed-segments.ts";
import {
  frameBytesLimit,
  type JournalPlace,
  retire,
  SegmentFile,
  segmentBytesDefault,
} from "./segment-file.ts";

/** Bytes of one frame at most, one plan excepted; bounds the time a sync takes. */
const frameBytesMax = 1024 * 1024;

/** Frames being written at a time; recovery counts on it (see `read-segment.ts`). */
const framesInFlightMax = 2;

/** Bytes of plans waiting for their frame; beyond it a plan is refused, not kept in memory. */
export const queuedBytesMax = 64 * 1024 * 1024;

/** What the journal stands on; tests replace the parts that are optional. */
export interface JournalParts {
  readonly directory: string;
  readonly rows: SqliteRows;
  readonly files?: JournalFiles;
  readonly mover?: SegmentMover;
  readonly segmentBytes?: number;
}

interface QueuedPlan {
  /** Empty when the plan only waits for the frames that decide it. */
  readonly entries: readonly JournalEntry[];
  readonly bytes: number;
  readonly result: ApplyResult;
  resolve(result: ApplyResult): void;
  reject(error: unknown): void;
}

/** One write and one sync, from its start until its plans are answered. */
interface FrameInFlight {
  readonly plans: readonly QueuedPlan[];
  readonly entries: readonly JournalEntry[];
  /** Where it begins in the segment. */
  readonly at: number;
  /** Resolves when nothing is being written any more; `failure` is known then. */
  readonly written: Promise<void>;
  isOver: boolean;
  failure: StoreFailure | undefined;
}

export class JournalWriter {
  /** What SQLite does not have yet, durable in the journal. */
  readonly overlay = new Map<string, JournalEntry>();
  readonly #place: JournalPlace;
  readonly #rows: SqliteRows;
  /** Used in turn, so that one is free while the other one's frame is written. */
  readonly #encoders = [new FrameEncoder(), new FrameEncoder()] as const;
  #encoded = 0;
  /** Newest sequence of names with queued or running writes. */
  readonly #pending = new Map<string, JournalEntry>();
  readonly #sealed: SealedSegments;
  #segment: SegmentFile;
  #segmentNames = new Set<string>();
  #segmentLastSeq = 0;
  #next: Promise<SegmentFile> | undefined;
  #queue: QueuedPlan[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | undefined;
  readonly #inFlight: FrameInFlight[] = [];
  /** Makes the writing loop look again. */
  #wake: (() => void) | undefined;
  #seq: number;
  #failed: StoreFailure | undefined;

  private constructor(parts: JournalParts, place: JournalPlace, segment: SegmentFile) {
    this.#place = place;
    this.#rows = parts.rows;
    this.#sealed = new SealedSegments({
      overlay: this.overlay,
      files: place.files,
      mover: parts.mover ?? new Mover(parts.rows.path),
    });
    this.#segment = segment;
    this.#seq = parts.rows.lastSeq();
  }

  /** The journal was recovered and is empty. */
  static async open(parts: JournalParts): Promise<JournalWriter> {
    const { directory, files = systemFiles, segmentBytes = segmentBytesDefault } = parts;
    const place = { directory, files, segmentBytes };
    const first = await SegmentFile.prepare(place, { generation: 1, salt: newSalt() });
    return new JournalWriter(parts, place, first);
  }

  async apply(plan: Plan): Promise<ApplyResult> {
    const failed = this.#failed ?? this.#sealed.failed;
    if (failed !== undefined) throw failed;
    // A frame without entries would seal the segment, and there is nothing to make durable.
    if (plan.length === 0) return { kind: "applied", tags: [] };
    const bytes = bytesOf(plan);
    assert(bytes <= frameBytesLimit(this.#place), "a plan fits into a segment");
    if (this.#queuedBytes + bytes > queuedBytesMax) {
      throw new StoreFailure("unavailable", `${this.#place.directory}: too many waiting writes`);
    }
    const step = firstFailingStep(plan, (name) => this.#seqOf(name));
    if (step === -1) return this.#enqueue(this.#entriesOf(plan), bytes);
    const decided = plan.slice(0, step + 1).every(({ name }) => !this.#pending.has(name));
    const conflict = { kind: "conflict", step } as const;
    // What it conflicts with may still fail; only a durable write may be a reason to refuse one.
    return decided ? conflict : this.#enqueue([], 0, conflict);
  }

  /** True when everything is in SQLite now and the journal is empty. */
  async close(): Promise<boolean> {
    await this.#writing;
    const moved = await this.#sealed.close();
    const next = await this.#next?.catch(() => undefined);
    await next?.close();
    await this.#segment.close();
    if (this.#failed !== undefined || !moved) return false;
    try {
      moveSegment(this.#segment.path, this.#rows);
      // Oldest first: a crash in between leaves nothing behind a gap.
      await retire(this.#place.files, this.#segment);
      if (next !== undefined) await retire(this.#place.files, next);
    } catch (error) {
      // Nothing is lost: what is left of the journal stays, and the next opener moves it.
      if (error instanceof StoreFailure) return false;
      throw error;
    }
    this.overlay.clear();
    return true;
  }

  #entriesOf(plan: Plan): JournalEntry[] {
    return plan.map((step): JournalEntry => {
      this.#seq += 1;
      const bytes = step.kind === "put" ? step.bytes : undefined;
      const entry = { name: step.name, seq: this.#seq, bytes };
      this.#pending.set(entry.name, entry);
      return entry;
    });
  }

  #enqueue(
    entries: readonly JournalEntry[],
    bytes: number,
    result: ApplyResult = { kind: "applied", tags: entries.map(tagAfter) },
  ): Promise<ApplyResult> {
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ entries, bytes, result, resolve, reject });
      this.#writing ??= this.#writeAll();
      if (this.#wake !== undefined && this.#mayStart()) this.#wakeAfterThisTurn();
    });
  }

  /** The sequence a name will have once all queued plans are durable; undefined = absent. */
  #seqOf(name: string): number | undefined {
    const known = this.#pending.get(name) ?? this.overlay.get(name);
    if (known !== undefined) return known.bytes === undefined ? undefined : known.seq;
    const row = this.#rows.get(name);
    return row === undefined ? undefined : Number(row.tag);
  }

  async #writeAll(): Promise<void> {
    // The rest of this turn of the event loop joins the first frame.
    await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      const oldest = this.#inFlight[0];
      // Awaits only what has to be waited for: every turn taken here delays a frame.
      if (oldest?.failure !== undefined) await this.#framesFailed(oldest.failure);
      else if (oldest?.isOver === true) this.#settle(oldest);
      else if (this.#mayStart()) await this.#startFrame(this.#takeBatch());
      else if (oldest === undefined) break;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
    this.#writing = undefined;
  }

  #wakeAfterThisTurn(): void {
    const wake = this.#wake;
    // Taken, so that the next plan of this turn does not do the same.
    this.#wake = undefined;
    if (wake !== undefined) setImmediate(wake);
  }

  /**
   * A second frame has to be worth its sync: it starts when as many plans wait as the first one
   * has. One that needs a new segment waits until the full one can be sealed.
   */
  #mayStart(): boolean {
    const first = this.#queue[0];
    const oldest = this.#inFlight[0];
    if (first === undefined) return false;
    if (oldest === undefined) return true;
    if (this.#inFlight.length === framesInFlightMax) return false;
    if (this.#queue.length < oldest.plans.length) return false;
    const bytes = Math.max(first.bytes, Math.min(this.#queuedBytes, frameBytesMax));
    return this.#segment.fits(bytes);
  }

  #takeBatch(): QueuedPlan[] {
    const bytesMax = Math.min(frameBytesMax, frameBytesLimit(this.#place));
    let bytes = 0;
    let taken = 0;
    for (const plan of this.#queue) {
      if (taken > 0 && bytes + plan.bytes > bytesMax) break;
      bytes += plan.bytes;
      taken += 1;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, taken);
  }

  async #startFrame(plans: readonly QueuedPlan[]): Promise<void> {
    const entries = plans.flatMap((plan) => plan.entries);
    if (entries.length > 0 && !this.#segment.fits(frameLength(entries))) {
      try {
        await this.#roll();
      } catch (error) {
        this.#refuse(plans, storeFailureOf(error, this.#segment.path));
        return;
      }
    }
    const at = this.#segment.end;
    const written = entries.length === 0 ? Promise.resolve() : this.#append(entries);
    const frame: FrameInFlight = {
      plans,
      entries,
      at,
      written: written.then(
        () => this.#frameOver(frame, undefined),
        (error: unknown) => this.#frameOver(frame, storeFailureOf(error, this.#segment.path)),
      ),
      isOver: false,
      failure: undefined,
    };
    this.#inFlight.push(frame);
  }

  #append(entries: readonly JournalEntry[]): Promise<void> {
    const encoder = this.#encoders[this.#encoded % 2 === 0 ? 0 : 1];
    this.#encoded += 1;
    const overlaps = this.#inFlight.length > 0;
    return this.#segment.append(encoder.encode(entries, { salt: this.#segment.salt, overlaps }));
  }

  #frameOver(frame: FrameInFlight, failure: StoreFailure | undefined): void {
    frame.isOver = true;
    frame.failure = failure;
    this.#wake?.();
  }

  /** Answers the plans of the oldest frame, which is not being written any more. */
  #settle(oldest: FrameInFlight): void {
    this.#inFlight.shift();
    for (const entry of oldest.entries) this.#becameDurable(entry);
    if (this.#segment.isHalfFull) void this.#prepareNext();
    for (const plan of oldest.plans) plan.resolve(plan.result);
  }

  #becameDurable(entry: JournalEntry): void {
    this.overlay.set(entry.name, entry);
    this.#segmentNames.add(entry.name);
    this.#segmentLastSeq = entry.seq;
    if (this.#pending.get(entry.name) === entry) this.#pending.delete(entry.name);
  }

  /**
   * Nothing was written for these plans. The queued ones were decided on top of them and are
   * refused too; for good, unless it was for a reason that passes.
   */
  #refuse(plans: readonly QueuedPlan[], error: StoreFailure): void {
    const passing = error.kind === "full" || error.kind === "unavailable";
    if (!passing) this.#failed ??= new StoreFailure("failed", error.message, { cause: error });
    const refused = [...plans, ...this.#queue];
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#pending.clear();
    for (const plan of refused) plan.reject(this.#failed ?? error);
  }

  /**
   * The oldest frame failed, and with it the one that was decided on top of it. No space: nothing
   * happened, once the frames can surely not be read back. Anything else: the outcome is unknown.
   */
  async #framesFailed(failure: StoreFailure): Promise<void> {
    const frames = this.#inFlight.splice(0);
    await Promise.all(frames.map((frame) => frame.written));
    const failures = frames.flatMap((frame) => frame.failure ?? []);
    const worst = failures.find(({ kind }) => kind !== "full") ?? failure;
    const certain = worst.kind === "full" && (await this.#erased(frames));
    if (!certain) this.#failed ??= new StoreFailure("failed", worst.message, { cause: worst });
    const rejected: QueuedPlan[] = [];
    for (const plan of frames.flatMap(({ plans }) => plans)) {
      // A plan without entries wrote nothing, whatever became of the others.
      if (certain || plan.entries.length === 0) rejected.push(plan);
      else plan.resolve({ kind: "unknown", cause: worst });
    }
    this.#refuse(rejected, this.#failed ?? worst);
  }

  async #erased(frames: readonly FrameInFlight[]): Promise<boolean> {
    const written = frames.filter(({ entries }) => entries.length > 0);
    try {
      await this.#segment.erase(written.map(({ at }) => at));
      return true;
    } catch {
      return false;
    }
  }

  /** Makes the next segment ready before it is needed; a failure shows when it is. */
  #prepareNext(): Promise<SegmentFile> {
    this.#next ??= SegmentFile.prepare(this.#place, {
      generation: this.#segment.generation + 1,
      salt: newSalt(),
    });
    this.#next.catch(() => undefined);
    return this.#next;
  }

  /** Seals the full segment, goes on in the next one, and has the full one moved. */
  async #roll(): Promise<void> {
    await this.#sealed.room();
    let next: SegmentFile;
    try {
      next = await this.#prepareNext();
    } catch (error) {
      // Prepared anew for the next plan: there may be room again.
      this.#next = undefined;
      throw error;
    }
    const full = this.#segment;
    await full.append(encodeFrame([], full.salt));
    this.#next = undefined;
    this.#segment = next;
    this.#sealed.add({
      path: full.path,
      generation: full.generation,
      names: this.#segmentNames,
      lastSeq: this.#segmentLastSeq,
    });
    this.#segmentNames = new Set();
    await full.close();
  }
}

function bytesOf(plan: Plan): number {
  let bytes = frameHeaderBytes;
  for (const step of plan) {
    bytes += entryLengthMax(step.name, step.kind === "put" ? step.bytes.length : 0);
  }
  return bytes;
}

function tagAfter({ bytes, seq }: JournalEntry) {
  return bytes === undefined ? undefined : tagOf(seq);
}

/** Never 0, so that the zeros of a fresh segment are no frame. */
function newSalt(): number {
  return randomBytes(4).readUInt32LE() || 1;
}
