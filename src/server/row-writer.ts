import type { DocumentRow } from "../api/queries.ts";
import type { Exchange } from "./exchange.ts";
import { joinedRowsBytesMax, joinedRowsMax } from "./limits.ts";

const rowEnd = Buffer.from("}\n");

/**
 * Writes rows of documents as lines: small ones that are found one right after the other go out
 * together, large ones as they are read. No row waits for one that has yet to be found.
 */
export class RowWriter {
  readonly #exchange: Exchange;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #rows = 0;
  #soon: NodeJS.Immediate | undefined;

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
      for await (const chunk of doc.lent?.() ?? doc) await this.#exchange.writeThrough(chunk);
    }
    this.#add(rowEnd);
    this.#rows += 1;
    const isFull = this.#rows >= joinedRowsMax || this.#bytes >= joinedRowsBytesMax;
    if (isFull || !(doc instanceof Uint8Array)) await this.flush();
    else this.#soon ??= setImmediate(() => this.#send());
  }

  /** Sends what was put together so far. */
  async flush(): Promise<void> {
    const joined = this.#take();
    if (joined !== undefined) await this.#exchange.write(joined);
  }

  /** Forgets what was not sent. */
  abandon(): void {
    this.#take();
  }

  /** The walk gave others their turn: it may be long until the next row. */
  #send(): void {
    const joined = this.#take();
    const { response } = this.#exchange;
    // Should the client be slow, the next row finds out and waits.
    if (joined !== undefined && !response.destroyed) response.write(joined);
  }

  #take(): Buffer | undefined {
    clearImmediate(this.#soon);
    this.#soon = undefined;
    if (this.#parts.length === 0) return undefined;
    const joined = Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    this.#rows = 0;
    return joined;
  }

  #add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
  }
}
