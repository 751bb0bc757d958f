/** Parts of texts, three characters at a time, as the trigram index knows them. */
import { partCharactersMin } from "../engine/query/index/limits.ts";

/** Trigrams of one part that are looked up; the check of documents sees to the rest. */
const trigramsLookedUpMax = 24;

/** A zero ends a text for the trigram index. */
export function searchableParts(parts: string): string {
  return parts.includes("\0") ? parts.replaceAll("\0", " ") : parts;
}

/** True when a text has parts that trigrams find. */
export function isSearchable(parts: string): boolean {
  return parts.length >= partCharactersMin;
}

/** The query for entries with every trigram of a part; undefined when the part is too short. */
export function trigramQuery(part: string): string | undefined {
  const characters = [...searchableParts(part)];
  const trigrams = new Set<string>();
  for (let at = 0; at + partCharactersMin <= characters.length; at += 1) {
    if (trigrams.size === trigramsLookedUpMax) break;
    trigrams.add(characters.slice(at, at + partCharactersMin).join(""));
  }
  if (trigrams.size === 0) return undefined;
  return [...trigrams].map((trigram) => `"${trigram.replaceAll('"', '""')}"`).join(" AND ");
}
