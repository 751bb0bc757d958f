import type { KeyAddress } from "../api/lockd.ts";
import { normalizeKey, normalizeNamespace } from "../api/names.ts";

/** One text for all spellings of a key. No character of a name sorts before the separator. */
export function keyName({ namespace, key }: KeyAddress): string {
  return `${normalizeNamespace(namespace, "default")}\n${normalizeKey(key ?? "")}`;
}

export function sameKey(one: KeyAddress, other: KeyAddress): boolean {
  return keyName(one) === keyName(other);
}
