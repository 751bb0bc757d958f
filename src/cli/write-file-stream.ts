import { open, rename, rm, stat } from "node:fs/promises";

/**
 * Writes a stream to a file whole or not at all: beside it first, in its place when all of it came.
 * 0600 when new, its own mode when it exists.
 */
export async function writeFileStream(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const mode = await stat(file).then(
    (found) => found.mode & 0o777,
    () => 0o600,
  );
  const temporary = `${file}.tmp-${process.pid}`;
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      for await (const chunk of chunks) await handle.writeFile(chunk);
      await handle.chmod(mode);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
