/**
 * Writes the journal: checks plans in memory, groups them into frames, and hands full segments over
 * to be moved into SQLite behind everybody's back.
 *
 * Life: opening -> writing -> (failed) -> closed. `failed` is for ever: after a sync that failed
 * nothing the device says can be believed (reliability.md F04).
 */
import assert from "node:assert";
import { randomBytes } from "node:crypto";
import { type ApplyResult, type Plan, StoreFailure } from "../../../engine/ports/store.ts";
import { storeFailureOf } from "../sqlite-failure.ts";
import { type SqliteRows, tagOf } from "../sqlite-rows.ts";
import { ChangeLog } from "./change-log.ts";
import { firstFailingStep } from "./check-plan.ts";
import {
  encodeFrame,
  entryLengthMax,
  FrameEncoder,
  frameHeaderBytes,
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

export class JournalWriter {
  /** What SQLite does not have yet, durable in the journal. */
  readonly overlay = new Map<string, JournalEntry>();
  /** The order of what is in the overlay. */
  readonly changes: ChangeLog;
  readonly #place: JournalPlace;
  readonly #rows: SqliteRows;
  readonly #encoder = new FrameEncoder();
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
  #seq: number;
  #failed: StoreFailure | undefined;

  private constructor(parts: JournalParts, place: JournalPlace, segment: SegmentFile) {
    this.#place = place;
    this.#rows = parts.rows;
    this.#sealed = new SealedSegments({
      overlay: this.overlay,
      files: place.files,
      mover: parts.mover ?? new Mover(parts.rows.path),
      moved: (lastSeq) => this.changes.moved(lastSeq),
    });
    this.#segment = segment;
    this.#seq = parts.rows.lastSeq();
    this.changes = new ChangeLog(this.#seq);
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
    });
  }

  /** The sequence a name will have once all queued plans are durable; undefined = absent. */
  #seqOf(name: string): number | undefined {
    const known = this.#pending.get(name) ?? this.overlay.get(name);
    if (known !== undefined) return known.bytes === undefined ? undefined : known.seq;
    return this.#rows.seqOf(name);
  }

  async #writeAll(): Promise<void> {
    // The rest of this turn of the event loop joins the first frame.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) await this.#writeFrame(this.#takeBatch());
    this.#writing = undefined;
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

  async #writeFrame(batch: readonly QueuedPlan[]): Promise<void> {
    const entries = batch.flatMap((plan) => plan.entries);
    let wrote = false;
    try {
      if (entries.length > 0) {
        let frame = this.#encoder.encode(entries, this.#segment.salt);
        if (!this.#segment.fits(frame.length)) {
          await this.#roll();
          frame = this.#encoder.encode(entries, this.#segment.salt);
        }
        wrote = true;
        await this.#segment.append(frame);
      }
    } catch (error) {
      await this.#frameFailed(batch, storeFailureOf(error, this.#segment.path), wrote);
      return;
    }
    for (const entry of entries) this.#becameDurable(entry);
    if (this.#segment.isHalfFull) void this.#prepareNext();
    for (const plan of batch) plan.resolve(plan.result);
  }

  #becameDurable(entry: JournalEntry): void {
    this.overlay.set(entry.name, entry);
    this.#segmentNames.add(entry.name);
    this.changes.note(entry.name, entry.seq);
    this.#segmentLastSeq = entry.seq;
    if (this.#pending.get(entry.name) === entry) this.#pending.delete(entry.name);
  }

  /**
   * Everything queued was decided on top of this frame and fails with it. No space: nothing
   * happened, once the frame can surely not be read back. Anything else: the outcome is unknown.
   */
  async #frameFailed(
    batch: readonly QueuedPlan[],
    error: StoreFailure,
    wrote: boolean,
  ): Promise<void> {
    const passing = error.kind === "full" || error.kind === "unavailable";
    const certain = wrote ? error.kind === "full" && (await this.#erased()) : passing;
    if (!certain) this.#failed ??= new StoreFailure("failed", error.message, { cause: error });
    const later = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#pending.clear();
    for (const plan of batch) {
      // A plan without entries wrote nothing, whatever became of the others.
      if (wrote && !certain && plan.entries.length > 0) {
        plan.resolve({ kind: "unknown", cause: error });
      } else plan.reject(this.#failed ?? error);
    }
    for (const plan of later) plan.reject(this.#failed ?? error);
  }

  async #erased(): Promise<boolean> {
    try {
      await this.#segment.erase();
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
