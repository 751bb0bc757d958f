import type { NamePage } from "../../engine/ports/store.ts";

/** One page in byte order out of the pages of two places, without doubles. */
export function mergePages(one: NamePage, other: NamePage, limit: number): NamePage {
  if (other.names.length === 0 && !other.more) return one;
  const all = [...new Set([...one.names, ...other.names])].sort(byBytes);
  // Beyond the last name of a page that has more, the other page may not be merged in yet.
  const ends = [one, other].flatMap(({ names, more }) => (more ? (names.at(-1) ?? []) : []));
  const end = ends.sort(byBytes)[0];
  const complete = end === undefined ? all : all.filter((name) => byBytes(name, end) <= 0);
  return {
    names: complete.slice(0, limit),
    more: one.more || other.more || complete.length > limit,
  };
}

/**
 * Byte order of UTF-8, which differs from the order of UTF-16 beyond the basic plane. Compares unit
 * by unit: making bytes of both would cost a listing more than everything else it does.
 */
export function byBytes(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at += 1) {
    const [one, other] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (one !== other) return rankOf(one) - rankOf(other);
  }
  return a.length - b.length;
}

/** Surrogates stand for characters beyond all those that one unit stands for. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
