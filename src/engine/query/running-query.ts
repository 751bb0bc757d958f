import type { QueryEnd, QueryEngine } from "../../api/queries.ts";
import { cursorAfter } from "./cursor.ts";
import type { Match, Walk } from "./walk.ts";

/** What the index said of itself when a page was begun. */
export interface IndexStand {
  readonly seq: number;
  readonly updatedAtMs: number | undefined;
  readonly pending: number;
}

/** One page being filled: counts its rows and knows how it ends. */
export class RunningQuery {
  readonly engine: QueryEngine;
  readonly #walk: Walk;
  readonly #limit: number;
  readonly #stand: IndexStand | undefined;
  #rows = 0;
  #lastKey: string | undefined;
  #end: QueryEnd | undefined;

  constructor(parts: {
    readonly engine: QueryEngine;
    readonly walk: Walk;
    readonly limit: number;
    /** With the index engine only. */
    readonly stand: IndexStand | undefined;
  }) {
    this.engine = parts.engine;
    this.#walk = parts.walk;
    this.#limit = parts.limit;
    this.#stand = parts.stand;
  }

  /** Undefined until {@link next} said that the page is over. */
  get end(): QueryEnd | undefined {
    return this.#end;
  }

  /** The next row; undefined when the page is over. */
  async next(): Promise<Match | undefined> {
    if (this.#end !== undefined) return undefined;
    const match = this.#rows < this.#limit ? await this.#walk.next() : undefined;
    if (match !== undefined) {
      this.#rows += 1;
      this.#lastKey = match.key;
      return match;
    }
    const isFull = this.#rows === this.#limit && (await this.#walk.hasMore());
    this.#end = {
      cursor: isFull ? cursorAfter(this.engine, this.#lastKey ?? "") : undefined,
      indexSeq: this.#stand === undefined || this.#stand.seq === 0 ? undefined : this.#stand.seq,
      metadata: this.#metadata(),
    };
    return undefined;
  }

  #metadata(): Readonly<Record<string, string>> {
    const { engine } = this;
    const counts = {
      query_candidates_seen: String(this.#walk.seen),
      query_candidates_matched: String(this.#walk.matched),
      query_bytes_captured: "0",
      query_spill_count: "0",
      query_spill_bytes: "0",
    };
    const stand = this.#stand;
    if (stand === undefined) return { engine, ...counts };
    const { updatedAtMs, pending } = stand;
    const updated =
      updatedAtMs === undefined ? {} : { index_updated_at: new Date(updatedAtMs).toISOString() };
    return { engine, ...updated, index_pending: String(pending > 0), ...counts };
  }
}
