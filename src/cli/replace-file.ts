import { open, rename, rm, stat } from "node:fs/promises";

/** Writes a file whole or not at all: 0600 when new, its own mode when it exists. */
export async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const mode = await stat(file).then(
    ({ mode }) => mode & 0o777,
    () => 0o600,
  );
  const temporary = `${file}.tmp-${process.pid}`;
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(bytes);
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
