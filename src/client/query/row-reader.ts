import { LockdProtocolError, LockdTransportError } from "../../api/errors.ts";
import type { BodyOut, BodyOutStream } from "../../api/lockd.ts";
import type { DocumentRow } from "../../api/queries.ts";
import { collectedRowBytesMax } from "../limits.ts";

const newline = 0x0a;
const closingBrace = 0x7d;
const docMember = Buffer.from('"doc":');
const nothing = new Uint8Array(0);

/**
 * Takes rows of documents off a stream of bytes. Rows up to {@link collectedRowBytesMax} come
 * whole, the documents of longer ones as streams: nothing else is ever held.
 */
export class RowReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** Bytes that arrived and are not taken yet. */
  #rest: Uint8Array = nothing;
  #ended = false;
  #open: StreamedDocument | undefined;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** The next row, after what is left of the one before; undefined at the end of the rows. */
  async next(): Promise<DocumentRow | undefined> {
    await this.#open?.close();
    this.#open = undefined;
    let end = this.#rest.indexOf(newline);
    while (end === -1 && this.#rest.length < collectedRowBytesMax && (await this.#more())) {
      end = this.#rest.indexOf(newline);
    }
    if (this.#rest.length === 0) return undefined;
    if (end === -1 && this.#ended) throw broken();
    return end === -1 ? this.#longRow() : this.#wholeRow(end);
  }

  #wholeRow(end: number): DocumentRow {
    const line = this.#rest.subarray(0, end);
    this.#rest = this.#rest.subarray(end + 1);
    const { docAt, ...row } = rowHead(line);
    if (line[end - 1] !== closingBrace) throw notARow();
    return { ...row, doc: line.subarray(docAt, end - 1) };
  }

  #longRow(): DocumentRow {
    const { docAt, ...row } = rowHead(this.#rest);
    const first = this.#rest.subarray(docAt);
    this.#rest = nothing;
    const doc = new StreamedDocument(first, {
      next: () => this.#chunks.next(),
      left: (rest) => {
        this.#rest = rest;
      },
    });
    this.#open = doc;
    return { ...row, doc: doc satisfies BodyOut };
  }

  /** Reads on; false at the end of the stream. */
  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) {
      this.#ended = true;
      return false;
    }
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
    return true;
  }
}

interface DocumentSource {
  readonly next: () => Promise<IteratorResult<Uint8Array>>;
  /** Told of the bytes that follow the row. */
  readonly left: (rest: Uint8Array) => void;
}

/** The document of a long row, up to the brace and the newline that end the row. */
class StreamedDocument implements BodyOutStream {
  readonly #bytes: AsyncGenerator<Uint8Array>;
  #taken = false;

  constructor(first: Uint8Array, source: DocumentSource) {
    this.#bytes = documentBytes(first, source);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (this.#taken) throw new TypeError("this document was read or closed already");
    this.#taken = true;
    // Leaving a loop over the document early must not end the rows: the rest is drained by `close`.
    const read = () => this.#bytes.next();
    return (async function* () {
      for (let part = await read(); part.done !== true; part = await read()) yield part.value;
    })();
  }

  /** Reads to the end of the row, so that the next one can begin. */
  async close(): Promise<void> {
    this.#taken = true;
    while ((await this.#bytes.next()).done !== true);
  }
}

async function* documentBytes(
  first: Uint8Array,
  source: DocumentSource,
): AsyncGenerator<Uint8Array> {
  // One piece is held back: the brace that ends the row may be its last byte.
  let held = first;
  for (;;) {
    const { done, value } = await source.next();
    if (done === true) throw broken();
    const end = value.indexOf(newline);
    if (end > 0) yield held;
    const last = end > 0 ? value.subarray(0, end) : held;
    if (end !== -1) {
      if (last.at(-1) !== closingBrace) throw notARow();
      source.left(value.subarray(end + 1));
      yield last.subarray(0, -1);
      return;
    }
    if (value.length === 0) continue;
    yield held;
    held = value;
  }
}

/** What stands in front of the document. */
function rowHead(line: Uint8Array): Omit<DocumentRow, "doc"> & { readonly docAt: number } {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  const at = bytes.indexOf(docMember);
  if (at === -1) throw notARow();
  const docAt = at + docMember.length;
  const { ns, key, ver = 0 } = parsedHead(`${bytes.toString("utf8", 0, docAt)}null}`);
  const isRow = typeof ns === "string" && typeof key === "string" && Number.isSafeInteger(ver);
  if (!isRow) throw notARow();
  return { namespace: ns, key, version: ver as number, docAt };
}

function parsedHead(text: string): { ns?: unknown; key?: unknown; ver?: unknown } {
  try {
    return JSON.parse(text) as ReturnType<typeof parsedHead>;
  } catch {
    throw notARow();
  }
}

function notARow(): LockdProtocolError {
  return new LockdProtocolError("protocol", "the answer has a line that is no row of a query");
}

function broken(): LockdTransportError {
  return new LockdTransportError("truncated", "the answer ended in the middle of a row");
}
