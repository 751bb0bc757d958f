import { failure } from "../api/errors.ts";

/** What is thrown when a file cannot be written: its own name, not that of a temporary one. */
export function unwritable(file: string, cause: unknown): Error {
  const { message, syscall } = cause as NodeJS.ErrnoException;
  // Node says which call failed on which file; that file may be one nobody has ever heard of.
  const reason = syscall === undefined ? message : message.split(`, ${syscall}`)[0];
  return failure("file_unwritable", `${file} cannot be written: ${reason}`, { cause });
}

/** Runs a step of writing to `file`. @throws file_unwritable */
export async function writing<T>(file: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw unwritable(file, error);
  }
}
