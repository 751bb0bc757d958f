import { byBytes } from "../byte-order.ts";

/** What a page is made of: anything with a name, in byte order. */
export interface Named {
  readonly name: string;
}

export interface PageOf<T extends Named> {
  readonly objects: readonly T[];
  readonly more: boolean;
}

/** One page in byte order out of the pages of two places; where both know a name, `one` wins. */
export function mergePages<T extends Named>(
  one: PageOf<T>,
  other: PageOf<T>,
  limit: number,
): PageOf<T> {
  if (one.objects.length === 0 && !one.more) return other;
  // Beyond the last name of a page that has more, the other page may not be merged in yet.
  const end = firstEnd(one, other);
  const objects: T[] = [];
  let [at, otherAt] = [0, 0];
  for (;;) {
    const [mine, others] = [one.objects[at], other.objects[otherAt]];
    const order =
      mine === undefined ? 1 : others === undefined ? -1 : byBytes(mine.name, others.name);
    const next = order <= 0 ? mine : others;
    if (next === undefined) return { objects, more: one.more || other.more };
    const isBeyond = end !== undefined && byBytes(next.name, end) > 0;
    if (isBeyond || objects.length === limit) return { objects, more: true };
    objects.push(next);
    if (order <= 0) at += 1;
    if (order >= 0) otherAt += 1;
  }
}

function firstEnd(one: PageOf<Named>, other: PageOf<Named>): string | undefined {
  const ends = [one, other].flatMap(({ objects, more }) =>
    more ? (objects.at(-1)?.name ?? []) : [],
  );
  return ends.sort(byBytes)[0];
}
