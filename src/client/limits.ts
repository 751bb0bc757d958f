/** Bounds and defaults of the client, each with its unit and its reason (client-sdk.md 2 to 5). */

/** Port of an endpoint that names none. */
export const endpointPortDefault = 9341;

/** Milliseconds for one try of an ordinary request when there is only one endpoint. */
export const httpTimeoutMsDefault = 15_000;

/** The same with several endpoints: the next one may answer sooner than a slow one. */
export const httpTimeoutMsSeveral = 3_000;

/** Milliseconds for one keepalive: a hung server must leave time before the lease ends. */
export const keepAliveTimeoutMsDefault = 5_000;

/** Milliseconds that closing may spend on releases and running requests. */
export const closeTimeoutMsDefault = 5_000;

/** Milliseconds for acquire and the first read of acquireForUpdate together. */
export const forUpdateTimeoutMsDefault = 900_000;

/** Milliseconds to make a connection; beyond it the next endpoint is tried. */
export const connectTimeoutMsMax = 10_000;

/** Retries of section 4 after a transport failure. */
export const failureRetriesDefault = 5;

/** Milliseconds, factor and milliseconds: pauses between two acquires (section 4). */
export const acquireBackoffDefault = {
  baseMs: 1_000,
  maxMs: 5_000,
  multiplier: 1.2,
  jitterMs: 100,
} as const;

/** Times a release is sent again whose answer got lost; and milliseconds before the first time. */
export const lostReleaseRetries = 3;
export const lostReleasePauseMs = 50;

/** Milliseconds. First and longest pause between two tries of an update, doubling. */
export const updatePauseMsMin = 10;
export const updatePauseMsMax = 500;

/** Milliseconds. A server cannot ask for a longer pause; its wrong clock must not freeze us. */
export const retryHintMsMax = 600_000;

/** Bytes. Answers up to this length are read whole at once; longer states are streamed. */
export const collectedStateBytesMax = 64 * 1024;

/** Bytes. Longest JSON answer; every documented one is far below it. */
export const jsonAnswerBytesMax = 1024 * 1024;

/** Bytes. Longest list of attachments: a thousand names of a thousand bytes, each spelled out. */
export const attachmentListBytesMax = 16 * 1024 * 1024;

/** Bytes of a non-JSON error answer kept for the caller. */
export const errorBodyBytesMax = 64 * 1024;

/** Bytes of a streamed state held while the reader is slow; then the connection is paused. */
export const streamBufferBytesMax = 128 * 1024;

/** Bytes. One-shot bodies up to this are kept in memory for a retry, longer ones in a file. */
export const bufferedBodyBytesMax = 4 * 1024 * 1024;

/** Characters of a correlation id. */
export const correlationIdLengthMax = 128;

/** Milliseconds. Shortest period of automatic keepalives. */
export const keepAlivePeriodMsMin = 1_000;

/** Milliseconds. Longest timer the platform can hold; longer waits are armed again. */
export const timerMsMax = 2_147_483_647;

/** Characters of a line of a stream of changes; the longest event has far fewer. */
export const changeLineLengthMax = 64 * 1024;

/** Milliseconds without any sign of life after which a stream of changes counts as broken. */
export const changeSilenceMsMax = 60_000;

/** Milliseconds. First and longest pause before a stream of changes is opened again. */
export const followPauseMsMin = 100;
export const followPauseMsMax = 5_000;

/** Keys whose told version a follower remembers; of more it may tell a version twice. */
export const followedVersionsMax = 100_000;

/** Bytes of an overview; 200 leases, 100 queues and 100 transactions stay far below. */
export const overviewAnswerBytesMax = 8 * 1024 * 1024;
/** Bytes. Payloads of deliveries up to this are read whole; longer ones are streams. */
export const collectedPayloadBytesMax = 64 * 1024;

/** Bytes of a delivery's metadata; servers bound them far below. */
export const deliveryMetaBytesMax = 1024 * 1024;

/** Bytes. Payloads of a batch up to this stay in memory, longer ones go to temporary files. */
export const batchPayloadBytesMax = 256 * 1024;

/** Milliseconds for giving back deliveries that were prefetched and not read (17.2). */
export const giveBackMsMax = 5_000;

/** Characters of a line of an event stream (http-queue.md 9.1). */
export const eventLineLengthMax = 64 * 1024;

/** Milliseconds before a watch connects again (client-sdk.md 4). */
export const watchPauseMs = 100;

/** Milliseconds before a subscription asks again: at once, but not in a loop without air. */
export const subscribePauseMs = 1;

/** The same for one that does not wait and got nothing. */
export const subscribeIdlePauseMs = 50;

/** Milliseconds. Bounds of the period of automatic extensions, and the one for unknown leases. */
export const extendPeriodMsMin = 250;
export const extendPeriodMsMax = 30_000;
export const extendPeriodMsUnknown = 15_000;

/** Deliveries after which our own producers let a message become a dead letter. */
export const maxDeliveriesDefault = 100;

/** Seconds a server remembers the key of an enqueue that may be repeated. */
export const repeatWindowSeconds = 120;

/** Failures of a consumer that are followed by a restart at once, and the pauses after those. */
export const restartDefault = {
  immediateRetries: 3,
  baseMs: 250,
  multiplier: 2,
  maxMs: 300_000,
  jitterMs: 0,
  maxFailures: 0,
} as const;

/** Bytes of a row of a documents answer that is read whole; longer documents are streamed. */
export const collectedRowBytesMax = 64 * 1024;

/** Selector texts whose parsed form is remembered (client-sdk.md section 9). */
export const parsedSelectorsMax = 512;

/** Keys of a page that `queryAll` asks for, and at most. */
export const queryAllPageDefault = 1_000;

/** Bytes of a page of transactions, each with all its participants. */
export const txnListAnswerBytesMax = 64 * 1024 * 1024;

/** Milliseconds. Lease time of a transaction's keys, and how long it waits for all of them. */
export const transactionTtlMsDefault = 30_000;
export const transactionWaitMsDefault = 30_000;

/**
 * Milliseconds for finding out whether a commit was recorded. Longer than a server needs to be
 * started again; afterwards the caller is told that it is not known.
 */
export const commitMsMax = 30_000;
