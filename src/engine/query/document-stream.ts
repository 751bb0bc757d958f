import { failure } from "../../api/errors.ts";
import type { BodyOut } from "../../api/lockd.ts";
import type { DocumentRow, QueryDocuments, QueryEnd } from "../../api/queries.ts";
import type { RunningQuery } from "./running-query.ts";
import type { Match } from "./walk.ts";

const noBytes = new Uint8Array(0);

/** The rows of a running query; a row that was not taken is closed when the next is asked for. */
export class DocumentStream implements QueryDocuments {
  readonly namespace: string;
  readonly #query: RunningQuery;
  readonly #jsonBytesMax: number;
  readonly #closed: () => void;
  #open: BodyOut | undefined;
  #isClosed = false;

  constructor(parts: {
    readonly namespace: string;
    readonly query: RunningQuery;
    readonly jsonBytesMax: number;
    /** Called once when nothing more will be read. */
    readonly closed: () => void;
  }) {
    this.namespace = parts.namespace;
    this.#query = parts.query;
    this.#jsonBytesMax = parts.jsonBytesMax;
    this.#closed = parts.closed;
  }

  get end(): QueryEnd | undefined {
    return this.#query.end;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DocumentRow> {
    try {
      for (;;) {
        if (this.#isClosed) return;
        const match = this.#query.ready() ?? (await this.#query.next());
        if (match === undefined) return;
        yield this.#row(match);
        if (this.#open !== undefined) await this.#closeRow();
      }
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.#closeRow();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed();
  }

  #row({ key, version, size, body }: Match): DocumentRow {
    this.#open = body;
    if (size > this.#jsonBytesMax) {
      const limit = `${this.#jsonBytesMax} bytes`;
      throw failure("document_too_large", `${key} has ${size} bytes, more than ${limit}`);
    }
    return { namespace: this.namespace, key, version, doc: body ?? noBytes };
  }

  async #closeRow(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined && !(open instanceof Uint8Array)) await open.close();
  }
}
