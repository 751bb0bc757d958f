/** Bounds of selectors with their unit and their reason. */

/** Levels of nodes below the root (query-and-lql.md section 5); walks may recurse this deep. */
export const selectorNestingMax = 1_000;

/** Clauses of one selector; each costs memory a document and time a value it looks at. */
export const selectorClausesMax = 10_000;

/** Characters of one selector text; far above what a URL or a shell carries. */
export const selectorTextLengthMax = 4 * 1024 * 1024;

/** Number of a slot (`and.N.`), section 3.1; slots are kept sparse, so this costs nothing. */
export const slotIndexMax = 1_048_576;
