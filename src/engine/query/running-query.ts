import type { QueryEnd, QueryEngine } from "../../api/queries.ts";
import { cursorAfter } from "./cursor.ts";
import type { Match, Walk } from "./walk.ts";

/** One page being filled: counts its rows and knows how it ends. */
export class RunningQuery {
  readonly engine: QueryEngine;
  readonly #walk: Walk;
  readonly #limit: number;
  #rows = 0;
  #lastKey: string | undefined;
  #end: QueryEnd | undefined;

  constructor(parts: {
    readonly engine: QueryEngine;
    readonly walk: Walk;
    readonly limit: number;
  }) {
    this.engine = parts.engine;
    this.#walk = parts.walk;
    this.#limit = parts.limit;
  }

  /** Undefined until {@link next} said that the page is over. */
  get end(): QueryEnd | undefined {
    return this.#end;
  }

  /** The next row when it can be told without a wait; it is {@link next} that knows the end. */
  ready(): Match | undefined {
    if (this.#end !== undefined || this.#rows === this.#limit) return undefined;
    return this.#counted(this.#walk.ready());
  }

  /** The next row; undefined when the page is over. */
  async next(): Promise<Match | undefined> {
    if (this.#end !== undefined) return undefined;
    const match = this.#rows < this.#limit ? await this.#walk.next() : undefined;
    if (match !== undefined) return this.#counted(match);
    const isFull = this.#rows === this.#limit && (await this.#walk.hasMore());
    const { stand } = this.#walk;
    this.#end = {
      cursor: isFull ? cursorAfter(this.engine, this.#lastKey ?? "") : undefined,
      indexSeq: stand === undefined || stand.seq === 0 ? undefined : stand.seq,
      metadata: this.#metadata(),
    };
    return undefined;
  }

  #counted(match: Match | undefined): Match | undefined {
    if (match === undefined) return undefined;
    this.#rows += 1;
    this.#lastKey = match.key;
    return match;
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
    const { stand } = this.#walk;
    if (stand === undefined) return { engine, ...counts };
    const { updatedAtMs, pending } = stand;
    const updated =
      updatedAtMs === undefined ? {} : { index_updated_at: new Date(updatedAtMs).toISOString() };
    return { engine, ...updated, index_pending: String(pending > 0), ...counts };
  }
}
