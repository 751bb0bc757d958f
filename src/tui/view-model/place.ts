/** Moving through a list, and keeping the place when the list changes under the eye. */
import { type RowList, rowId } from "./rows.ts";
import type { Place } from "./state.ts";

/** Rows on either side of the old index that are looked through first. */
const nearby = 50;

/** The place after a move to an index, scrolled as little as shows it. */
export function placeAt(
  rows: RowList,
  index: number,
  view: { top: number; height: number },
): Place {
  const at = Math.max(0, Math.min(index, rows.count - 1));
  const row = rows.at(at);
  const height = Math.max(1, view.height);
  const lowest = Math.max(0, rows.count - height);
  let top = Math.min(view.top, at);
  if (at >= top + height) top = at - height + 1;
  top = Math.max(0, Math.min(top, lowest));
  return { selectedId: row === undefined ? undefined : rowId(row), index: at, top };
}

/**
 * The same row in a list that changed, on the same line of the window where that is possible; when
 * the row is gone, what now stands where it stood.
 */
export function kept(rows: RowList, place: Place, height: number): Place {
  if (place.selectedId === undefined) return placeAt(rows, place.index, { top: place.top, height });
  const found = indexOf(rows, place);
  const index = found ?? place.index;
  const top = found === undefined ? place.top : Math.max(0, place.top + index - place.index);
  return placeAt(rows, index, { top, height });
}

function indexOf(rows: RowList, { selectedId, index }: Place): number | undefined {
  const isIt = (at: number): boolean => {
    const row = rows.at(at);
    return row !== undefined && rowId(row) === selectedId;
  };
  for (let distance = 0; distance <= nearby; distance += 1) {
    if (isIt(index - distance)) return index - distance;
    if (isIt(index + distance)) return index + distance;
  }
  for (let at = 0; at < rows.count; at += 1) if (isIt(at)) return at;
  return undefined;
}
