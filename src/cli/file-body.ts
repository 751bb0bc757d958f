import { type FileHandle, open } from "node:fs/promises";
import type { ReplayableBody } from "../client/replayable-body.ts";
import { UsageError } from "./usage-error.ts";

/** Bytes read from the file at a time. */
const readBytes = 256 * 1024;

/** A file to send: as it is now, from its start as often as it has to be sent. */
export interface FileBody {
  /** One that cannot be read twice (a pipe, standard input) is no `ReplayableBody`. */
  readonly body: AsyncIterable<Uint8Array> | ReplayableBody;
  /** Bytes, when known beforehand. */
  readonly size: number | undefined;
  close(): Promise<void>;
}

/** Opens `file`, or standard input for `-`. @throws UsageError when it cannot be read */
export async function openFileBody(file: string): Promise<FileBody> {
  if (file === "-") return { body: process.stdin, size: undefined, close: async () => {} };
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, "r");
    const found = await handle.stat();
    if (found.isDirectory()) throw new UsageError(`${file} is a directory, not a file`);
    const opened = handle;
    const close = (): Promise<void> => opened.close();
    if (!found.isFile()) {
      const body = opened.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>;
      return { body, size: undefined, close };
    }
    return { body: replayable(file, opened, found.size), size: found.size, close };
  } catch (error) {
    await handle?.close();
    if (error instanceof UsageError) throw error;
    const reason = error instanceof Error ? error.message : "";
    throw new UsageError(`${file} cannot be read: ${reason}`, error);
  }
}

function replayable(file: string, handle: FileHandle, size: number): ReplayableBody {
  return {
    replayable: true,
    size,
    async *[Symbol.asyncIterator]() {
      for (let position = 0; position < size; ) {
        const length = Math.min(readBytes, size - position);
        const buffer = Buffer.allocUnsafe(length);
        const { bytesRead } = await handle.read(buffer, 0, length, position);
        if (bytesRead === 0) throw new UsageError(`${file} became shorter while it was sent`);
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
  };
}
