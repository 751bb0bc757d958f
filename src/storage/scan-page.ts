import { type NamedObject, type ObjectPage, scanBytesMax } from "../engine/ports/store.ts";

/** The page with as many of the objects as {@link scanBytesMax} allows, and at least one. */
export function scanPage(objects: Iterable<NamedObject>, more: boolean): ObjectPage {
  const page: NamedObject[] = [];
  let size = 0;
  for (const object of objects) {
    size += object.bytes.length;
    if (size > scanBytesMax && page.length > 0) return { objects: page, more: true };
    page.push(object);
  }
  return { objects: page, more };
}
