import { failure } from "../../api/errors.ts";
import { normalizeKey } from "../../api/names.ts";
import type { QueryEngine } from "../../api/queries.ts";

/** The text that continues after `key`; opaque to callers (section 9.5). */
export function cursorAfter(engine: QueryEngine, key: string): string {
  return `${engine}v1:${Buffer.from(key).toString("base64url")}`;
}

/**
 * The key to continue after; undefined for no cursor.
 * @throws invalid_cursor when it is damaged or of another engine
 */
export function keyOfCursor(engine: QueryEngine, cursor: string | undefined): string | undefined {
  const text = cursor?.trim() ?? "";
  if (text === "") return undefined;
  const prefix = `${engine}v1:`;
  if (!text.startsWith(prefix)) {
    throw failure("invalid_cursor", `the cursor is not one of the ${engine} engine (${prefix}...)`);
  }
  const encoded = text.slice(prefix.length);
  const key = Buffer.from(encoded, "base64url").toString();
  // Whatever does not encode to itself again was damaged on its way.
  if (key === "" || Buffer.from(key).toString("base64url") !== encoded || !isKey(key)) {
    throw failure("invalid_cursor", "the cursor is damaged; start again without one");
  }
  return key;
}

function isKey(text: string): boolean {
  try {
    return normalizeKey(text) === text;
  } catch {
    return false;
  }
}
