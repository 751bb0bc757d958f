import { LockdProtocolError } from "../../api/errors.ts";
import type { BodyOut } from "../../api/lockd.ts";
import type { DocumentRow, QueryDocuments, QueryEnd } from "../../api/queries.ts";
import { AnswerStream } from "../answer-stream.ts";
import type { EndpointAnswer } from "../failover.ts";
import { queryEnd, returnedMode } from "./query-answer.ts";
import { RowReader } from "./row-reader.ts";

/** The rows of an answer as they arrive. Leaving them before the end cuts the connection. */
export class HttpDocuments implements QueryDocuments {
  readonly namespace: string;
  readonly #body: BodyOut;
  #end: QueryEnd | undefined;
  #closed = false;

  /** `namespace` is the one asked for: the answer names it only in its rows. */
  constructor(answer: EndpointAnswer, namespace: string) {
    this.namespace = namespace;
    this.#body = answer.body;
    if (returnedMode(answer.headers) === "documents") return;
    void this.close();
    throw new LockdProtocolError("protocol", "the answer has keys where documents were asked for");
  }

  get end(): QueryEnd | undefined {
    return this.#end;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DocumentRow> {
    if (this.#closed) return;
    const rows = new RowReader(chunksOf(this.#body));
    try {
      for (let row = await rows.next(); row !== undefined; row = await rows.next()) yield row;
      // No trailers after a clean end: no cursor, no sequence (section 9.4).
      const trailers = this.#body instanceof AnswerStream ? this.#body.trailers : undefined;
      this.#end = queryEnd(trailers ?? {});
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (!(this.#body instanceof Uint8Array)) await this.#body.close();
  }
}

async function* chunksOf(body: BodyOut): AsyncGenerator<Uint8Array> {
  if (!(body instanceof Uint8Array)) yield* body;
  else if (body.length > 0) yield body;
}
