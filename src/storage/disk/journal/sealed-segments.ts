/**
 * The full segments of a journal on their way into SQLite, oldest first. One is moved at a time;
 * then the overlay drops what it held, and its file is free.
 *
 * A mover that fails for a passing reason (no space, a busy database) is tried again for ever, with
 * writers refused once there are too many segments; after any other failure the store is `failed`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { StoreFailure } from "../../../engine/ports/store.ts";
import { storeFailureOf } from "../sqlite-failure.ts";
import type { JournalEntry } from "./frame.ts";
import type { JournalFiles } from "./journal-files.ts";
import type { SegmentMover } from "./mover.ts";
import { retire } from "./segment-file.ts";

/** Sealed segments that wait for the mover, beyond which writers wait. Bounds the overlay. */
export const unmovedSegmentsMax = 4;

/** Milliseconds between two tries to move a segment while SQLite has no space or is busy. */
const moveRetryMs = 250;

export interface SealedSegment {
  readonly path: string;
  readonly generation: number;
  readonly names: ReadonlySet<string>;
  readonly lastSeq: number;
}

export class SealedSegments {
  readonly #overlay: Map<string, JournalEntry>;
  readonly #files: JournalFiles;
  readonly #mover: SegmentMover;
  readonly #moved: (lastSeq: number) => void;
  readonly #sealed: SealedSegment[] = [];
  #moving: Promise<void> | undefined;
  #closing: AbortController = new AbortController();
  /** Why the mover does not get on; writers wait for it only while it does. */
  #stuck: StoreFailure | undefined;
  #failed: StoreFailure | undefined;
  #wake: (() => void)[] = [];

  constructor(parts: {
    readonly overlay: Map<string, JournalEntry>;
    readonly files: JournalFiles;
    readonly mover: SegmentMover;
    /** Told of everything that is in SQLite now. */
    readonly moved: (lastSeq: number) => void;
  }) {
    this.#overlay = parts.overlay;
    this.#files = parts.files;
    this.#mover = parts.mover;
    this.#moved = parts.moved;
  }

  /** Why nothing will ever be moved again. */
  get failed(): StoreFailure | undefined {
    return this.#failed;
  }

  add(segment: SealedSegment): void {
    this.#sealed.push(segment);
    this.#moving ??= this.#moveAll();
  }

  /** Resolves when another segment may be added. @throws StoreFailure when the mover is stuck */
  async room(): Promise<void> {
    while (this.#sealed.length >= unmovedSegmentsMax && this.#stuck === undefined) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#sealed.length >= unmovedSegmentsMax && this.#stuck) throw this.#stuck;
  }

  /** Moves what can be moved; true when nothing is left. */
  async close(): Promise<boolean> {
    this.#closing.abort();
    await this.#moving;
    await this.#mover.stop();
    return this.#sealed.length === 0;
  }

  async #moveAll(): Promise<void> {
    // A file that was moved may be gone from its place when its retirement has to be repeated.
    let moved: SealedSegment | undefined;
    for (let oldest = this.#sealed[0]; oldest !== undefined; oldest = this.#sealed[0]) {
      try {
        if (moved !== oldest) await this.#mover.move(oldest.path);
        moved = oldest;
        await retire(this.#files, oldest);
        this.#drop(oldest);
      } catch (error) {
        if (!(await this.#mayTryAgain(storeFailureOf(error, oldest.path)))) break;
      }
    }
    this.#moving = undefined;
  }

  #drop(moved: SealedSegment): void {
    this.#stuck = undefined;
    this.#sealed.shift();
    for (const name of moved.names) {
      const entry = this.#overlay.get(name);
      if (entry !== undefined && entry.seq <= moved.lastSeq) this.#overlay.delete(name);
    }
    this.#moved(moved.lastSeq);
    this.#wakeAll();
  }

  async #mayTryAgain(error: StoreFailure): Promise<boolean> {
    this.#stuck = error;
    const passing = error.kind === "full" || error.kind === "unavailable";
    if (!passing) this.#failed = error;
    this.#wakeAll();
    if (!passing || this.#closing.signal.aborted) return false;
    const { signal } = this.#closing;
    await sleep(moveRetryMs, undefined, { ref: false, signal }).catch(() => undefined);
    return true;
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
