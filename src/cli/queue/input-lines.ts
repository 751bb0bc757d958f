import { UsageError } from "../usage-error.ts";

/** Bytes of one line; larger payloads go in one by one, as files. */
const lineBytesMax = 16 * 1024 * 1024;

export interface InputLine {
  readonly text: string;
  /** Counted from 1. */
  readonly number: number;
}

const newline = 0x0a;

/** The lines that are not blank. @throws UsageError when one is longer than 16 MiB */
export async function* inputLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<InputLine> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let number = 0;
  const take = (): InputLine => {
    const text = Buffer.concat(pieces).toString("utf8").trim();
    pieces.length = 0;
    bytes = 0;
    number += 1;
    return { text, number };
  };
  for await (const chunk of source) {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(newline, from);
      const piece = chunk.subarray(from, end === -1 ? undefined : end);
      bytes += piece.length;
      if (bytes > lineBytesMax) throw tooLong(number + 1);
      pieces.push(piece);
      if (end === -1) break;
      const line = take();
      if (line.text !== "") yield line;
      from = end + 1;
    }
  }
  const last = take();
  if (last.text !== "") yield last;
}

function tooLong(number: number): UsageError {
  return new UsageError(
    `line ${number} is longer than ${lineBytesMax} bytes; enqueue it by itself with --file`,
  );
}
