import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bufferedBodyBytesMax } from "./limits.ts";
import type { ReplayableBody } from "./replayable-body.ts";

/** Bytes read from the file at a time. */
const readBytes = 64 * 1024;

/** A body that may be sent several times, and what it takes to keep it so. */
export interface KeptBody {
  readonly body: Uint8Array | ReplayableBody;
  /** Frees its temporary file, if it has one. */
  dispose(): Promise<void>;
}

/**
 * Reads a one-shot body so that it can be sent again: up to 4 MiB into memory (or what `bytesMax`
 * says), more into a temporary file that has no name any more, so that no crash leaves it behind.
 */
export async function keepBody(
  source: AsyncIterable<Uint8Array>,
  bytesMax = bufferedBodyBytesMax,
): Promise<KeptBody> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let file: FileHandle | undefined;
  try {
    for await (const chunk of source) {
      bytes += chunk.byteLength;
      if (file === undefined && bytes <= bytesMax) {
        chunks.push(chunk);
        continue;
      }
      file ??= await openUnnamed();
      for (const kept of chunks.splice(0)) await file.writeFile(kept);
      await file.writeFile(chunk);
    }
  } catch (error) {
    await file?.close();
    throw error;
  }
  if (file === undefined) return { body: Buffer.concat(chunks), dispose: () => Promise.resolve() };
  const handle = file;
  return { body: fileBody(handle, bytes), dispose: () => handle.close() };
}

async function openUnnamed(): Promise<FileHandle> {
  const path = join(tmpdir(), `lockd-body-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}

function fileBody(file: FileHandle, size: number): ReplayableBody {
  return {
    replayable: true,
    size,
    async *[Symbol.asyncIterator]() {
      for (let position = 0; position < size; ) {
        const length = Math.min(readBytes, size - position);
        const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
        if (bytesRead === 0) throw new Error("the temporary file of the body became shorter");
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
  };
}
