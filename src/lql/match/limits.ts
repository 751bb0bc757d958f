/** Bounds of matching with their unit and their reason. */

/** Levels of a document that are looked into; deeper states cannot be stored. */
export const documentDepthMax = 10_000;

/**
 * Bytes. Longer numbers have no comparison text, and longer strings are searched piece by piece and
 * equal nothing; a selector with longer texts raises it for strings, so no answer depends on it.
 */
export const longTokenBytesMin = 64 * 1024;

/** Names, path steps and tests kept in derived places before all are derived again. */
export const placeWeightMax = 200_000;

/** Member names compared byte by byte; more of them are looked up by their text. */
export const namesComparedMax = 8;
