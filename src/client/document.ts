import { applyToBytes } from "../lql/mutation/apply-mutations.ts";
import { parseMutations } from "../lql/mutation/parse-mutations.ts";
import { jsonBody } from "./body-input.ts";
import { utf8Text } from "./json-answer.ts";
import type { OnceBody } from "./types.ts";

/** What a document can be made from: a state, a row of a query, JSON as bytes or text, a value. */
export type DocumentInput = OnceBody | { readonly doc: OnceBody } | Uint8Array | string | object;

/**
 * A JSON object in memory that mutations change without touching the rest: numbers keep their
 * digits, members their order. For editing a result before it is saved.
 *
 * @example
 *   const doc = await Document.from(await lease.get());
 *   await lease.update(doc.mutate("/count++", "/by=ada").bytes());
 */
export class Document {
  #bytes: Uint8Array;

  /** @throws LockdApiError with code invalid_body for anything but one JSON object */
  constructor(json: Uint8Array | string = "{}") {
    const bytes = typeof json === "string" ? Buffer.from(json) : json;
    this.#bytes = Buffer.from(applyToBytes(bytes, []));
  }

  /** Reads a one-shot body to its end; a state that does not exist gives an empty document. */
  static async from(input: DocumentInput): Promise<Document> {
    if (typeof input === "string" || input instanceof Uint8Array) return new Document(input);
    const body = "doc" in input && isBody(input.doc) ? input.doc : input;
    if (!isBody(body)) return new Document(jsonBody(body));
    if ("exists" in body && body.exists === false) return new Document();
    return new Document(await body.bytes());
  }

  /**
   * Applies LQL expressions in order; all or, when one fails, none.
   * @throws LqlSyntaxError, LockdApiError with code invalid_body
   */
  mutate(...expressions: string[]): this {
    return this.mutateAt(new Date(), ...expressions);
  }

  /** As {@link mutate}, with `NOW` standing for `date`. */
  mutateAt(date: Date, ...expressions: string[]): this {
    const mutations = expressions.flatMap((text) =>
      parseMutations(text, { now: date, files: "refuse" }),
    );
    this.#bytes = Buffer.from(applyToBytes(this.#bytes, mutations, { compact: true }));
    return this;
  }

  /** Compact JSON. */
  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  json<T = unknown>(): T {
    return JSON.parse(utf8Text(this.#bytes)) as T;
  }

  stream(): ReadableStream<Uint8Array> {
    const bytes = this.bytes();
    return ReadableStream.from([bytes]) as ReadableStream<Uint8Array>;
  }
}

function isBody(value: unknown): value is OnceBody {
  return (
    typeof value === "object" &&
    value !== null &&
    "bytes" in value &&
    typeof value.bytes === "function"
  );
}
