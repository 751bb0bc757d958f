import { parseHeaderValue } from "./header-value.ts";
import { MalformedMultipart } from "./malformed-multipart.ts";

/** The headers of one part. */
export class PartHeaders {
  readonly #fields: ReadonlyMap<string, string>;
  #name: { readonly value: string | undefined } | undefined;

  /** @throws MalformedMultipart when a line is no header */
  constructor(block: string) {
    const fields = new Map<string, string>();
    // A line that starts with white space goes on with the one before.
    const lines = block === "" ? [] : block.replace(/\r\n[ \t]+/g, " ").split("\r\n");
    for (const line of lines) {
      const colon = line.indexOf(":");
      if (colon <= 0) throw new MalformedMultipart("a part has a line that is no header");
      const name = line.slice(0, colon).trim().toLowerCase();
      if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
    }
    this.#fields = fields;
  }

  /** A field by its lower-case name. */
  field(name: string): string | undefined {
    return this.#fields.get(name);
  }

  /** `name` of the content disposition; undefined when it has none. */
  get name(): string | undefined {
    this.#name ??= { value: this.#nameOfDisposition() };
    return this.#name.value;
  }

  /** The announced length in bytes; undefined when there is none. */
  get contentLength(): number | undefined {
    const text = this.#fields.get("content-length");
    if (text === undefined) return undefined;
    const length = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(length)) return length;
    throw new MalformedMultipart(`a part's length "${text.slice(0, 40)}" is no number`);
  }

  #nameOfDisposition(): string | undefined {
    const disposition = this.#fields.get("content-disposition");
    if (disposition === undefined) return undefined;
    return parseHeaderValue(disposition)?.parameters.get("name");
  }
}
