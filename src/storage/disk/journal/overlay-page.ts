import type { NamePage } from "../../../engine/ports/store.ts";
import { byBytes } from "../../byte-order.ts";
import type { JournalEntry } from "./frame.ts";

/** A page of the overlay. Deleted names are in it too: they hide rows. */
export interface OverlayPage extends NamePage {
  readonly deleted: ReadonlySet<string>;
}

/**
 * The first names of the overlay in byte order. The overlay has no order of its own (every write
 * would pay for it), so all its names are looked at, but only about a page of them is ever sorted.
 */
export function overlayPage(
  overlay: ReadonlyMap<string, JournalEntry>,
  prefix: string,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): OverlayPage {
  let smallest: string[] = [];
  let bound: string | undefined;
  let more = false;
  const shrink = (): void => {
    smallest.sort(byBytes);
    if (smallest.length <= limit) return;
    more = true;
    smallest = smallest.slice(0, limit);
    bound = smallest.at(-1);
  };
  for (const name of overlay.keys()) {
    if (!name.startsWith(prefix) || (after !== undefined && byBytes(name, after) <= 0)) continue;
    if (bound !== undefined && byBytes(name, bound) > 0) continue;
    smallest.push(name);
    if (smallest.length >= 2 * limit) shrink();
  }
  shrink();
  const deleted = smallest.filter((name) => overlay.get(name)?.bytes === undefined);
  return { names: smallest, more, deleted: new Set(deleted) };
}
