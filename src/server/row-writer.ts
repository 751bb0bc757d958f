import type { DocumentRow } from "../api/queries.ts";
import type { Exchange } from "./exchange.ts";
import { joinedRowsBytesMax, joinedRowsMax } from "./limits.ts";

const rowEnd = Buffer.from("}\n");

/** Writes rows of documents as lines; small ones go out together, large ones as they are read. */
export class RowWriter {
  readonly #exchange: Exchange;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #rows = 0;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Resolves when the next row may come. */
  async write({ namespace, key, version, doc }: DocumentRow): Promise<void> {
    // The order of members is part of the contract; namespaces and keys need no escaping.
    const ver = version === 0 ? "" : `"ver":${version},`;
    this.#add(Buffer.from(`{"ns":"${namespace}","key":"${key}",${ver}"doc":`));
    if (doc instanceof Uint8Array) this.#add(doc);
    else {
      await this.flush();
      for await (const chunk of doc) await this.#exchange.write(chunk);
    }
    this.#add(rowEnd);
    this.#rows += 1;
    const isFull = this.#rows >= joinedRowsMax || this.#bytes >= joinedRowsBytesMax;
    if (isFull || !(doc instanceof Uint8Array)) await this.flush();
  }

  /** Sends what was put together so far. */
  async flush(): Promise<void> {
    if (this.#parts.length === 0) return;
    const joined = Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    this.#rows = 0;
    await this.#exchange.write(joined);
  }

  #add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
  }
}
