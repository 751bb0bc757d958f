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
