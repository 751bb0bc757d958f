import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { UsageError } from "./usage-error.ts";

/** What a command reads: a file, or standard input for `-` and nothing. */
export interface CommandInput {
  readonly name: string;
  readonly bytes: () => Promise<Uint8Array>;
  readonly stream: () => AsyncIterable<Uint8Array>;
}

/** @throws UsageError (from its readers) when the file cannot be read */
export function commandInput(argument: string | undefined): CommandInput {
  if (argument === undefined || argument === "-") {
    return { name: "stdin", bytes: () => collected(process.stdin), stream: () => process.stdin };
  }
  const unreadable = (error: unknown): UsageError =>
    new UsageError(
      `${argument} cannot be read: ${error instanceof Error ? error.message : ""}`,
      error,
    );
  return {
    name: argument,
    bytes: () =>
      readFile(argument).catch((error: unknown) => {
        throw unreadable(error);
      }),
    stream: async function* () {
      try {
        yield* createReadStream(argument) as AsyncIterable<Uint8Array>;
      } catch (error) {
        throw unreadable(error);
      }
    },
  };
}

/** All bytes of a stream in one piece. */
export async function collected(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
