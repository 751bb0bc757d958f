import { randomUUID } from "node:crypto";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { BodyOut } from "../../api/lockd.ts";
import { writeOut } from "../output.ts";
import { writing } from "../unwritable.ts";

/** A name nobody uses yet, for a payload that the caller named no file for. */
export function newPayloadPath(): string {
  return path.join(tmpdir(), `lockd-queue-${randomUUID()}.bin`);
}

/**
 * Writes a payload to a file that only we can read, or to standard output for `-`.
 * @throws file_unwritable
 */
export async function writePayload(payload: BodyOut, file: string): Promise<void> {
  if (file === "-") {
    for await (const chunk of chunksOf(payload)) await writeOut(chunk);
    return;
  }
  try {
    const handle = await writing(file, () => open(file, "w", 0o600));
    try {
      for await (const chunk of chunksOf(payload)) {
        await writing(file, () => handle.appendFile(chunk));
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    await closePayload(payload);
    throw error;
  }
}

function chunksOf(payload: BodyOut): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return payload instanceof Uint8Array ? [payload] : payload;
}

/** Nobody will read it. */
export async function closePayload(payload: BodyOut): Promise<void> {
  if (!(payload instanceof Uint8Array)) await payload.close();
}
