/**
 * Writes the journal: checks plans in memory, groups them into frames, and lets sealed segments be
 * moved into SQLite behind everybody's back.
 *
 * Life: opening -> writing -> (failed) -> closed. `failed` is for ever: after a sync that failed
 * nothing the device says can be believed (reliability.md F04).
 */
import assert from "node:assert";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ApplyResult,
  type Plan,
  type Precondition,
  StoreFailure,
} from "../../../engine/ports/store.ts";
import { storeFailureOf } from "../sqlite-failure.ts";
import { type SqliteRows, tagOf } from "../sqlite-rows.ts";
import { encodeFrame, FrameEncoder, type JournalEntry } from "./frame.ts";
import { moveSegment } from "./move-segment.ts";
import { Mover } from "./mover.ts";
import { frameBytesLimit, retire, SegmentFile, segmentBytes } from "./segment-file.ts";

/** Sealed segments that wait for the mover; writers wait when there are more. */
const unmovedSegmentsMax = 4;

/** Milliseconds between two tries to move a segment while SQLite has no space or is busy. */
const moveRetryMs = 250;

/** Bytes of one frame at most, one plan excepted; bounds the time a sync takes. */
const frameBytesMax = 1024 * 1024;

interface QueuedPlan {
  readonly entries: readonly JournalEntry[];
  readonly bytes: number;
  resolve(result: ApplyResult): void;
  reject(error: unknown): void;
}

interface SealedSegment {
  readonly path: string;
  readonly generation: number;
  readonly names: ReadonlySet<string>;
  readonly lastSeq: number;
}

export class JournalWriter {
  /** What SQLite does not have yet, durable in the journal. */
  readonly overlay = new Map<string, JournalEntry>();
  readonly #directory: string;
  readonly #rows: SqliteRows;
  readonly #mover: Mover;
  readonly #encoder = new FrameEncoder();
  /** Newest sequence of names with queued or running writes. */
  readonly #pending = new Map<string, JournalEntry>();
  readonly #sealed: SealedSegment[] = [];
  #segment: SegmentFile;
  #segmentNames = new Set<string>();
  #segmentLastSeq = 0;
  #next: Promise<SegmentFile> | undefined;
  #queue: QueuedPlan[] = [];
  #writing: Promise<void> | undefined;
  #moving: Promise<void> | undefined;
  #seq: number;
  #failed: StoreFailure | undefined;
  /** Why the mover does not get on; writers wait for it only while it does. */
  #stuck: StoreFailure | undefined;
  #closing = false;

  private constructor(
    parts: { readonly directory: string; readonly rows: SqliteRows },
    segment: SegmentFile,
  ) {
    this.#directory = parts.directory;
    this.#rows = parts.rows;
    this.#mover = new Mover(parts.rows.path);
    this.#segment = segment;
    this.#seq = parts.rows.lastSeq();
  }

  /** The journal was recovered and is empty. */
  static async open(parts: {
    readonly directory: string;
    readonly rows: SqliteRows;
  }): Promise<JournalWriter> {
    const { directory } = parts;
    const first = await SegmentFile.prepare({ directory, generation: 1, salt: newSalt() });
    return new JournalWriter(parts, first);
  }

  apply(plan: Plan): Promise<ApplyResult> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const step = this.#firstFailing(plan);
    if (step !== -1) return Promise.resolve({ kind: "conflict", step });
    const entries = plan.map((one): JournalEntry => {
      this.#seq += 1;
      return {
        name: one.name,
        seq: this.#seq,
        bytes: one.kind === "put" ? one.bytes : undefined,
      };
    });
    let bytes = 0;
    for (const entry of entries) {
      this.#pending.set(entry.name, entry);
      bytes += entry.name.length + (entry.bytes?.length ?? 0);
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ entries, bytes, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** True when everything is in SQLite now and the journal is empty. */
  async close(): Promise<boolean> {
    this.#closing = true;
    await this.#writing;
    await this.#moving;
    await this.#mover.stop();
    const next = await this.#next?.catch(() => undefined);
    await next?.close();
    await this.#segment.close();
    if (this.#failed !== undefined || this.#sealed.length > 0) return false;
    try {
      moveSegment(this.#segment.path, this.#rows);
    } catch (error) {
      // Nothing is lost: the journal stays, and the next opener moves it.
      if (error instanceof StoreFailure) return false;
      throw error;
    }
    // Oldest first: a crash in between leaves nothing behind a gap.
    await retire(this.#segment.path, this.#segment.generation);
    if (next !== undefined) await retire(next.path, next.generation);
    this.overlay.clear();
    return true;
  }

  #firstFailing(plan: Plan): number {
    const only = plan.length === 1 ? plan[0] : undefined;
    if (only !== undefined) return holds(only.when, this.#seqOf(only.name)) ? -1 : 0;
    // Sequences that earlier steps of this plan will give: unlike any known one.
    const changed = new Map<string, number | undefined>();
    return plan.findIndex(({ name, when, kind }) => {
      const seq = changed.has(name) ? changed.get(name) : this.#seqOf(name);
      changed.set(name, kind === "put" ? -1 : undefined);
      return !holds(when, seq);
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
    while (this.#queue.length > 0) await this.#writeFrame(this.#takeBatch());
    this.#writing = undefined;
  }

  #takeBatch(): QueuedPlan[] {
    let bytes = 0;
    const end = this.#queue.findIndex((plan, at) => {
      bytes += plan.bytes;
      return at > 0 && bytes > frameBytesMax;
    });
    return this.#queue.splice(0, end === -1 ? this.#queue.length : end);
  }

  async #writeFrame(batch: readonly QueuedPlan[]): Promise<void> {
    const entries = batch.flatMap((plan) => plan.entries);
    let wrote = false;
    try {
      let frame = this.#encoder.encode(entries, this.#segment.salt);
      assert(frame.length <= frameBytesLimit, "a plan fits into a segment");
      if (!this.#segment.fits(frame.length)) {
        await this.#roll();
        frame = this.#encoder.encode(entries, this.#segment.salt);
      }
      wrote = true;
      await this.#segment.append(frame);
    } catch (error) {
      await this.#frameFailed(batch, storeFailureOf(error, this.#segment.path), wrote);
      return;
    }
    for (const entry of entries) {
      this.overlay.set(entry.name, entry);
      this.#segmentNames.add(entry.name);
      if (this.#pending.get(entry.name) === entry) this.#pending.delete(entry.name);
    }
    this.#segmentLastSeq = entries.at(-1)?.seq ?? this.#segmentLastSeq;
    if (this.#segment.usedBytes > segmentBytes / 2) this.#prepareNext();
    for (const plan of batch) {
      const tags = plan.entries.map(({ bytes, seq }) =>
        bytes === undefined ? undefined : tagOf(seq),
      );
      plan.resolve({ kind: "applied", tags });
    }
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
    const certain = error.kind === "full" && (!wrote || (await this.#erased()));
    if (!certain) this.#failed = new StoreFailure("failed", error.message, { cause: error });
    const later = this.#queue;
    this.#queue = [];
    this.#pending.clear();
    for (const plan of batch) {
      if (certain || !wrote) plan.reject(error);
      else plan.resolve({ kind: "unknown", cause: error });
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
  #prepareNext(): void {
    this.#next ??= SegmentFile.prepare({
      directory: this.#directory,
      generation: this.#segment.generation + 1,
      salt: newSalt(),
    });
    this.#next.catch(() => undefined);
  }

  /** Seals the full segment, goes on in the next one, and has the full one moved. */
  async #roll(): Promise<void> {
    while (this.#sealed.length >= unmovedSegmentsMax && this.#stuck === undefined) {
      await this.#moving;
    }
    const obstacle = this.#failed ?? (this.#sealed.length >= unmovedSegmentsMax && this.#stuck);
    if (obstacle instanceof StoreFailure) throw obstacle;
    this.#prepareNext();
    const preparing = this.#next;
    this.#next = undefined;
    const next = await preparing;
    assert(next !== undefined, "a segment was being prepared");
    const full = this.#segment;
    await full.append(encodeFrame([], full.salt));
    await full.close();
    this.#sealed.push({
      path: full.path,
      generation: full.generation,
      names: this.#segmentNames,
      lastSeq: this.#segmentLastSeq,
    });
    this.#segment = next;
    this.#segmentNames = new Set();
    this.#moving ??= this.#moveSealed();
  }

  async #moveSealed(): Promise<void> {
    for (let oldest = this.#sealed[0]; oldest !== undefined; oldest = this.#sealed[0]) {
      try {
        await this.#mover.move(oldest.path);
        await retire(oldest.path, oldest.generation);
      } catch (error) {
        this.#stuck = storeFailureOf(error, oldest.path);
        const passing = this.#stuck.kind === "full" || this.#stuck.kind === "unavailable";
        if (!passing) this.#failed = this.#stuck;
        if (!passing || this.#closing) break;
        await sleep(moveRetryMs, undefined, { ref: false });
        continue;
      }
      this.#stuck = undefined;
      this.#sealed.shift();
      for (const name of oldest.names) {
        const entry = this.overlay.get(name);
        if (entry !== undefined && entry.seq <= oldest.lastSeq) this.overlay.delete(name);
      }
    }
    this.#moving = undefined;
  }
}

function holds(when: Precondition, seq: number | undefined): boolean {
  if (when.kind === "any") return true;
  return when.kind === "absent" ? seq === undefined : seq !== undefined && tagOf(seq) === when.tag;
}

/** Never 0, so that the zeros of a fresh segment are no frame. */
function newSalt(): number {
  return randomBytes(4).readUInt32LE() || 1;
}
