import type { RetrievedAttachment } from "../api/attachments.ts";
import { verifiedBody } from "../client/verified-body.ts";
import { writeOut } from "./output.ts";
import { Progress, progressMode } from "./progress.ts";
import { replaceFile } from "./replace-file.ts";

export interface SaveOptions {
  /** Undefined: standard output. */
  readonly file: string | undefined;
  readonly signal: AbortSignal;
  /** The flag. */
  readonly progress: string;
  readonly json: boolean;
}

/**
 * Writes an attachment as it comes, checking every byte; a file is left only when all of it is.
 * @throws truncated, file_unwritable
 */
export async function saveAttachment(
  { attachment, body }: RetrievedAttachment,
  options: SaveOptions,
): Promise<void> {
  const { file, signal, json } = options;
  const checked = verifiedBody(body, attachment);
  // A bar would run into what is printed on the same terminal.
  const isTerminal = process.stderr.isTTY && (file !== undefined || !process.stdout.isTTY);
  const mode = progressMode(options.progress, { isTerminal, json });
  const total = attachment.size < 0 ? undefined : attachment.size;
  const progress = new Progress({ label: attachment.name, total }, mode);
  try {
    const chunks = untilInterrupted(progress.of(checked), signal);
    if (file !== undefined) await replaceFile(file, chunks);
    else for await (const chunk of chunks) await writeOut(chunk);
  } finally {
    await checked.close();
  }
}

async function* untilInterrupted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
  }
}
