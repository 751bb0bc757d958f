import { open, rm, stat } from "node:fs/promises";

/** Mode of a file that did not exist before. */
const newFileMode = 0o600;

/**
 * The next content of a file, complete and synced beside it, with the file's own mode. The caller
 * renames or removes it.
 */
export async function stageReplacement(
  file: string,
  content: AsyncIterable<Uint8Array>,
): Promise<string> {
  const mode = await stat(file).then(
    (found) => found.mode & 0o777,
    () => newFileMode,
  );
  const staged = `${file}.tmp-${process.pid}`;
  const handle = await open(staged, "wx", mode);
  try {
    for await (const chunk of content) await handle.appendFile(chunk);
    await handle.chmod(mode);
    await handle.sync();
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return staged;
}
