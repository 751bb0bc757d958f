/** Contents of local files as JSON strings, streamed (query-and-lql.md section 7.5). */
import { failure } from "../../api/errors.ts";
import type { FileValue } from "./built-value.ts";

/** Opens a local file; called once or twice for each file value. */
export type OpenFile = (file: string) => AsyncIterable<Uint8Array>;

const quoteMark = Buffer.from('"');

/** The bytes of one JSON string. @throws invalid_document for text that is not UTF-8 */
export async function* fileString(value: FileValue, open: OpenFile): AsyncGenerator<Uint8Array> {
  const asText = value.mode === "text" || (value.mode === "auto" && (await isText(value, open)));
  yield quoteMark;
  yield* asText ? escapedText(value, open) : base64Text(open(value.file));
  yield quoteMark;
}

/** The content is not UTF-8, or has a NUL. */
class NotText extends Error {
  override readonly name = "NotText";
}

/** Pieces of UTF-8 text. @throws NotText, and what the source throws */
async function* decoded(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const decode = (chunk: Uint8Array | undefined): string => {
    let text: string;
    try {
      text = decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (cause) {
      throw new NotText("not UTF-8", { cause });
    }
    if (text.includes("\0")) throw new NotText("a NUL character");
    return text;
  };
  for await (const chunk of source) yield decode(chunk);
  yield decode(undefined);
}

async function isText(value: FileValue, open: OpenFile): Promise<boolean> {
  try {
    for await (const _ of decoded(open(value.file)));
    return true;
  } catch (error) {
    if (error instanceof NotText) return false;
    throw error;
  }
}

async function* escapedText(value: FileValue, open: OpenFile): AsyncGenerator<Uint8Array> {
  try {
    for await (const text of decoded(open(value.file))) {
      if (text !== "") yield Buffer.from(JSON.stringify(text).slice(1, -1));
    }
  } catch (error) {
    if (!(error instanceof NotText)) throw error;
    const detail = `${value.file} is not UTF-8 text; use base64file: for it`;
    throw failure("invalid_document", detail, { cause: error });
  }
}

async function* base64Text(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % 3);
    if (whole > 0) yield Buffer.from(bytes.subarray(0, whole).toString("base64"), "latin1");
    rest = Buffer.from(bytes.subarray(whole));
  }
  if (rest.length > 0) yield Buffer.from(rest.toString("base64"), "latin1");
}
