import { mkdirSync, statSync } from "node:fs";
import path from "node:path";

/**
 * Makes a directory and what is missing above it; nothing when it is there. Not by Node's own
 * `recursive`: below a directory that exists and yet says ENOENT to whoever makes one in it (/proc
 * does), that tries again and again for ever. @throws what the file system says
 */
export function makeDirectory(directory: string, mode: number): void {
  if (makeOne(directory, mode)) return;
  makeDirectory(path.dirname(directory), mode);
  if (!makeOne(directory, mode)) mkdirSync(directory, { mode });
}

/** False when something above it seems to be missing. */
function makeOne(directory: string, mode: number): boolean {
  try {
    mkdirSync(directory, { mode });
    return true;
  } catch (error) {
    const found = statSync(directory, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return true;
    if (found !== undefined) throw new Error("not a directory", { cause: error });
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (isMissing && path.dirname(directory) !== directory) return false;
    throw error;
  }
}
