/** Writing results: stdout carries the result and nothing else (cli.md section 5). */
import { exitCodes } from "../api/error-registry.ts";
import { failure } from "../api/errors.ts";

/** Two spaces of indent and one newline at the end. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/**
 * Writes all of it before it resolves; a closed pipe is the reader's business, not an error.
 * @throws output_failed
 */
export function writeOut(text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error === undefined || error === null || isClosedPipe(error)) resolve();
      else {
        const detail = `the result could not be written: ${error.message}`;
        reject(failure("output_failed", detail, { cause: error }));
      }
    });
  });
}

/** A table for people; that it is empty is said on stderr, so that stdout stays the result. */
export async function writeTable(table: string, whenEmpty: string): Promise<void> {
  if (table === "") note(whenEmpty);
  else await writeOut(table);
}

export function note(text: string): void {
  process.stderr.write(text.endsWith("\n") ? text : `${text}\n`);
}

function isClosedPipe(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === "EPIPE";
}

/** Lets `lockd get ... | head -1` end quietly, and a full disk with an error instead of a crash. */
export function quietOnClosedPipe(): void {
  process.stdout.on("error", (error) => {
    if (isClosedPipe(error)) process.exit(0);
    // Told by whoever wrote; here only so that no failure ends in success.
    process.exitCode = exitCodes.error;
  });
}
