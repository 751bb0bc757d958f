import {
  type ChangePage,
  type NamedObject,
  type ObjectPage,
  StoreFailure,
} from "../engine/ports/store.ts";

/**
 * The sequence that a cursor of changes stands for; 0 = from the beginning. A sequence the store
 * has not come to yet was given out by another store, or by this one before it was set back.
 * @throws StoreFailure "corrupt"
 */
export function sequenceOf(cursor: string | undefined, last: number, label: string): number {
  if (cursor === undefined) return 0;
  const sequence = Number(cursor);
  if (Number.isSafeInteger(sequence) && sequence >= 0 && sequence <= last) return sequence;
  throw new StoreFailure("corrupt", `${label}: the order of changes does not reach ${cursor}`);
}

/** A page of changes: its cursor is its last object, or with the last page all that happened. */
export function changePage(
  page: ObjectPage,
  last: number,
  sequenceOfObject: (object: NamedObject) => number,
): ChangePage {
  const { objects, more } = page;
  const end = objects.at(-1);
  const cursor = more && end !== undefined ? sequenceOfObject(end) : last;
  return { objects, more, cursor: String(cursor) };
}
