/** Bounds of the query index, with unit and reason. What is beyond one is found, only slower. */

/** Bytes. Larger documents are not taken apart: they are candidates of every query. */
export const documentBytesIndexedMax = 4 * 1024 * 1024;

/** Terms of one document; one with more is a candidate of every query. */
export const termsPerDocumentMax = 4_096;

/** Levels below the root that are taken apart; deeper documents are always candidates. */
export const depthIndexedMax = 64;

/** UTF-16 units of a member's name; longer ones make a document always a candidate. */
export const memberNameUnitsMax = 256;

/** UTF-16 units of a text kept as a term: enough to tell texts apart and to find prefixes. */
export const termUnitsMax = 64;

/** UTF-16 units of all texts of a document that are searched by parts; more: a candidate. */
export const partsUnitsMax = 256 * 1024;

/** Characters of the shortest part that trigrams find; shorter ones are looked for in the terms. */
export const partCharactersMin = 3;

/** Clauses of a selector that are looked up; further ones are left to the check of documents. */
export const clausesLookedUpMax = 64;

/** Paths that one clause with wildcards may stand for; more narrow nothing. */
export const pathsPerClauseMax = 128;

/** Steps of the path dictionary looked at for one clause; more narrow nothing. */
export const pathStepsMax = 10_000;

/** Commits that are not in the index yet, beyond which it is brought up to date at once. */
export const pendingCommitsMax = 2_000;

/** Milliseconds between a commit and its publication at most (query-and-lql.md section 12.1). */
export const publishIntervalMs = 10_000;

/** Records of one page of changes: first, and at most while more keep coming. */
export const changesPageMin = 256;
export const changesPageMax = 4_000;

/** Milliseconds after which an abandoned claim of a rebuild counts for nothing (11.2). */
export const rebuildClaimMs = 2 * 60 * 60 * 1_000;

/** Milliseconds a query's clock may be ahead of the one its documents are checked with. */
export const clockSlackMs = 60_000;

/** Times a run finds the index elsewhere than it left it, before it gives up until the next one. */
export const overtakenMax = 200;

/** Pages of changes still taken in while closing; the rest waits for the next start. */
export const closingPagesMax = 6;
