/** Bounds of mutations, each with its unit and its reason. */

/** Expressions of one request, blocks counted by what is in them: the plan is held in memory. */
export const mutationsMax = 10_000;

/** Segments of one mutation's path: deeper documents pass through, but are not built by hand. */
export const mutationPathSegmentsMax = 1_000;

/** Segments of all paths of one request: a deep document may have to look at each of them. */
export const mutationSegmentsMax = 100_000;

/**
 * Segments of all paths with wildcards in one request. Each of them may have to be looked at for
 * every value of the document, so their sum bounds the work a byte can cost.
 */
export const wildcardSegmentsMax = 500;

/** Blocks inside blocks: each level reads its text once more. */
export const blockDepthMax = 100;

/** Cursors remembered in states of the plan; beyond it the states are made again when needed. */
export const plannedCursorsMax = 100_000;

/**
 * Cursors worked out for one document. Ordinary paths need a few, whatever the document's size;
 * wildcards upon wildcards can make every value a case of its own, and then it is a second or two.
 */
export const derivedCursorsMax = 5_000_000;

/** What a state costs beside its cursors, in cursors. */
export const plannedStateCursors = 4;

/** Characters of a number that a step adds to: longer ones are no counters. */
export const steppedNumberLengthMax = 1_000;

/** Arrays whose length has to be known beforehand; only duplicate members make so many. */
export const measuredArraysMax = 100_000;

/** Bytes of a document that is changed in one go, without pauses for others. */
export const oneGoBytesMax = 64 * 1024;

/** Bytes of a stream held because an index needs a second look and it cannot be opened again. */
export const heldStreamBytesMax = 64 * 1024 * 1024;

/** Bytes. Output up to this is gathered into one piece; longer runs go out as they came. */
export const gatheredBytesMax = 4 * 1024;

/** Bytes of one piece of gathered output. */
export const outputBlockBytes = 64 * 1024;
