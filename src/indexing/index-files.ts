/**
 * The files of an index in a store directory: `index/<number>.db`. A file that is damaged, of an
 * older format, or full of what nobody needs is not repaired but followed by one with the next
 * number; when that has seen everything, the older ones go. So nobody ever changes a file under a
 * process that has it open.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";

const filePattern = /^([1-9][0-9]{0,8})\.db$/;

function indexDirectory(directory: string): string {
  return path.join(directory, "index");
}

export function indexFile(directory: string, number: number): string {
  return path.join(indexDirectory(directory), `${number}.db`);
}

/** Numbers of the files that are there, newest first. */
export function indexNumbers(directory: string): number[] {
  if (!existsSync(indexDirectory(directory))) return [];
  return readdirSync(indexDirectory(directory))
    .flatMap((name) => filePattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => other - one);
}

export function makeIndexDirectory(directory: string): void {
  mkdirSync(indexDirectory(directory), { recursive: true, mode: 0o700 });
}

/** Deletes the files before a number. What cannot be deleted now is deleted by a later writer. */
export function deleteOlder(directory: string, than: number): void {
  for (const number of indexNumbers(directory).filter((one) => one < than)) {
    const file = indexFile(directory, number);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) rmSync(name, { force: true });
  }
}
