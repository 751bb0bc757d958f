/** Bounds of the dashboard, each with its unit and its reason. */

/** Looks more often than this cost a server more than they show a person. */
export const refreshMsMin = 250;

export const refreshMsDefault = 2_000;

/** A look that takes longer counts as failed, so that a hanging server shows as such. */
export const lookTimeoutMs = 5_000;

/** Between tries of a server that does not answer; grows from the refresh time up to this. */
export const retryMsMax = 5_000;

/** More frames a second than this nobody sees, and terminals over slow lines choke on them. */
export const framesPerSecondMax = 20;

/** Clocks and countdowns on the screen show whole seconds. */
export const tickMs = 1_000;

/** Leases in one look; the server gives at most 200. Further ones come window by window. */
export const leasesPerLook = 200;

/** Keys described at the same time, where a server has no overview. */
export const describedAtOnce = 8;

/** Events that can be scrolled through, for each server. */
export const eventsKeptMax = 500;

/** Events handed to the screen at once; of a burst the newest are shown, all are counted. */
export const eventsPerBatchMax = 200;

/** Time in which events are collected before the screen learns of them. */
export const eventBatchMs = 200;

/** Looks behind a sparkline. */
export const rateSamplesMax = 32;

/** Bytes of a state that the detail shows; nobody scrolls further. */
export const detailBytesMax = 256 * 1024;

/** Lines of a detail, for values of very many small parts. */
export const detailLinesMax = 20_000;

/** Dead letters listed in the detail of a queue. */
export const deadLettersShown = 50;

/** Calls of one redrive or purge: a thousand letters each, then it is asked for again. */
export const deadLetterCallsMax = 1_000;

/** Characters in the filter and command lines. */
export const inputCharactersMax = 200;

/** Servers side by side. */
export const serversMax = 16;

/** How long a notice stands in the footer. */
export const noticeMs = 4_000;

/** Smallest window that is drawn into; below it the dashboard asks for room. */
export const columnsMin = 40;
export const rowsMin = 10;
