import type { AttachRequest, AttachResult } from "../api/attachments.ts";
import type { BodyIn, Lockd, LockdCall } from "../api/lockd.ts";
import { isReplayable } from "../client/replayable-body.ts";
import { openFileBody } from "./file-body.ts";
import { Progress, progressMode } from "./progress.ts";

/** Streams a file or standard input into an attachment. @throws UsageError for the file */
export async function sendAttachment(
  lockd: Lockd,
  parts: {
    readonly request: AttachRequest;
    readonly call: LockdCall;
    readonly file: string;
    /** The flag. */
    readonly progress: string;
    readonly json: boolean;
  },
): Promise<AttachResult> {
  const { request, call, file, json } = parts;
  const opened = await openFileBody(file);
  const mode = progressMode(parts.progress, { isTerminal: process.stderr.isTTY, json });
  const progress = new Progress({ label: request.name ?? "", total: opened.size }, mode);
  try {
    return await lockd.attachments.attach(request, watched(opened.body, progress), call);
  } finally {
    await opened.close();
  }
}

/** The body with its bytes counted; one that may be sent again stays so. */
function watched(body: AsyncIterable<Uint8Array>, progress: Progress): BodyIn {
  if (!isReplayable(body)) return progress.of(body);
  const size = "size" in body ? body.size : undefined;
  const again = { replayable: true as const, size };
  return { ...again, [Symbol.asyncIterator]: () => progress.of(body) };
}
