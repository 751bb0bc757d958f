/**
 * What must hold of the lists when everything has come to its end: every transaction is in all of
 * its keys or in none, as it was answered; what it read is what stood before it; and one order of
 * all transactions explains every list and the times at which clients saw them begin and end.
 */
import type { Violation } from "../violation.ts";
import type { Attempt } from "./client.ts";
import { Precedence } from "./precedence.ts";

export function checkLists(
  attempts: readonly Attempt[],
  lists: ReadonlyMap<string, readonly string[]>,
): readonly Violation[] {
  const found: Violation[] = [];
  const violate = (property: string, text: string): void => {
    found.push({ property, key: "", text, atMs: 0 });
  };
  const committed: Attempt[] = [];
  for (const attempt of attempts) {
    const shown = JSON.stringify({ ...attempt, read: [...attempt.read] });
    const holding = attempt.keys.filter((key) => lists.get(key)?.includes(attempt.mark));
    if (holding.length > 0 && holding.length < attempt.keys.length) {
      violate("T01 atomicity", `only ${holding.join(" ")} hold ${shown}`);
    }
    if (holding.length > 0 && attempt.asked !== "commit") {
      violate("T02 decision", `nobody asked to commit ${shown}`);
    }
    const isThere = holding.length > 0;
    if (attempt.answered !== undefined && isThere !== (attempt.answered === "commit")) {
      violate("T03 answer", `answered ${attempt.answered}, in ${holding.length} lists: ${shown}`);
    }
    if (isThere) committed.push(attempt);
    for (const key of holding) {
      const list = lists.get(key) ?? [];
      const before = list.slice(0, list.indexOf(attempt.mark));
      if (JSON.stringify(before) !== JSON.stringify(attempt.read.get(key))) {
        violate("T04 isolation", `${key} had ${before.join(",")} before ${shown}`);
      }
    }
  }
  for (const [key, list] of lists) {
    if (new Set(list).size !== list.length) violate("T05 once", `${key}: ${list.join(",")}`);
  }
  const cycle = findCycle(committed, lists);
  if (cycle !== undefined) violate("T06 strict serializability", cycle.join(" -> "));
  return found;
}

/** Edges: neighbours in a list, and whoever ended before another began. */
function findCycle(
  committed: readonly Attempt[],
  lists: ReadonlyMap<string, readonly string[]>,
): readonly string[] | undefined {
  const order = new Precedence();
  for (const list of lists.values()) {
    for (const [at, mark] of list.entries()) {
      const next = list[at + 1];
      if (next !== undefined) order.edge(mark, next);
    }
  }
  order.inTime(committed);
  return order.cycle();
}
