import type { DocumentRow, QueryDocuments } from "../../api/queries.ts";
import { ReadOnceBody } from "../once-body.ts";
import type { DocumentRows, QueryRow } from "./query-types.ts";

const noMetadata: Readonly<Record<string, string>> = {};

/** The rows of an answer in the form of the SDK. */
export class Rows implements DocumentRows {
  readonly namespace: string;
  readonly #documents: QueryDocuments;

  constructor(documents: QueryDocuments, namespace: string) {
    this.#documents = documents;
    this.namespace = namespace;
  }

  get cursor(): string | undefined {
    return this.#documents.end?.cursor;
  }

  get indexSeq(): number | undefined {
    return this.#documents.end?.indexSeq;
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.#documents.end?.metadata ?? noMetadata;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<QueryRow> {
    try {
      for await (const row of this.#documents) {
        const doc = bodyOf(row);
        yield { namespace: row.namespace, key: row.key, ...versionOf(row), doc };
        // Whoever kept the document reads an error from now on, not the bytes of another row.
        await doc.close();
      }
    } finally {
      await this.close();
    }
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this) keys.push(key);
    return keys;
  }

  async forEach(visit: (row: QueryRow) => void | Promise<void>): Promise<void> {
    for await (const row of this) await visit(row);
  }

  close(): Promise<void> {
    return this.#documents.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function versionOf({ version }: DocumentRow): { readonly version?: number } {
  return version === 0 ? {} : { version };
}

function bodyOf({ doc }: DocumentRow): ReadOnceBody {
  return new ReadOnceBody(doc, doc instanceof Uint8Array ? doc.length : -1);
}
