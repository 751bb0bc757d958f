import type { UpdateResult } from "../api/lockd.ts";
import { jsonText, writeOut } from "./output.ts";
import { exportLine } from "./shell-words.ts";

export interface Change {
  readonly version: number;
  readonly bytes?: number;
  readonly etag?: string;
}

/** A staged change as `name: value` lines, or as assignments for `eval`. */
export function changeLines(output: string, change: Change): string {
  if (output === "env") {
    const version = exportLine("LOCKD_CLIENT_VERSION", change.version);
    return `${version}\n${exportLine("LOCKD_CLIENT_ETAG", change.etag ?? "")}\n`;
  }
  return Object.entries(change)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

/** Prints what update, mutate and set staged. */
export async function writeChange(output: string, result: UpdateResult): Promise<void> {
  const change = { version: result.newVersion, bytes: result.bytes, etag: result.newStateEtag };
  await writeOut(output === "json" ? jsonText(change) : changeLines(output, change));
}
