import { createReadStream } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { LockdConfigError } from "../api/errors.ts";
import type { OpenFile } from "../lql/mutation/file-value.ts";
import type { Mutation } from "../lql/mutation/mutation.ts";

/**
 * The mutations with the files of their values as absolute paths: `~` is the home directory,
 * relative paths start at `baseDir`.
 * @throws LockdConfigError for a relative path without a base directory
 */
export function withAbsoluteFiles(
  mutations: readonly Mutation[],
  baseDir: string | undefined,
): Mutation[] {
  return mutations.map((mutation) =>
    mutation.kind === "file"
      ? { ...mutation, file: absolutePath(mutation.file, baseDir) }
      : mutation,
  );
}

function absolutePath(file: string, baseDir: string | undefined): string {
  if (file === "~") return homedir();
  if (file.startsWith("~/")) return join(homedir(), file.slice(2));
  if (isAbsolute(file)) return file;
  if (baseDir !== undefined) return resolve(baseDir, file);
  throw new LockdConfigError(
    "invalid_option",
    `the relative path ${file} needs a baseDir; or write an absolute one`,
  );
}

/** Reads a file of this machine. @throws LockdConfigError while it is read */
export const openLocalFile: OpenFile = async function* (file) {
  try {
    yield* createReadStream(file) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LockdConfigError("invalid_option", `${file} cannot be read: ${reason}`, { cause });
  }
};
