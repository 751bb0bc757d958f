/** Bounds of the HTTP carrier. */

/** Bytes. A body announced as at most this large is read whole before the engine is called. */
export const collectedBodyBytesMax = 64 * 1024;

/** Bytes of a longer body that may have come before they are asked for; then reading stops. */
export const bodyAheadBytesMax = 128 * 1024;

/** Bytes. The JSON bodies of lease calls; far above any real one, far below json-max. */
export const leaseBodyBytesMax = 1024 * 1024;

/** Bytes. Body of a metadata change (http-core.md section 3.2). */
export const metadataBodyBytesMax = 4096;

/** Bytes of the body of a mutate; the contract names json-max (100 MiB). */
export const mutateBodyBytesMax = 100 * 1024 * 1024;

/** Bytes of a request's header block; the contract asks for at least 64 KiB. */
export const headerBytesMax = 1024 * 1024;

/** Lines of it: as many as 64 KiB can hold of the shortest useful ones. */
export const headerLinesMax = 16 * 1024;

/** Milliseconds for a header block to be complete once its first byte arrived. */
export const headersTimeoutMs = 10_000;

/** Milliseconds an idle connection is kept; the contract asks for at least 5 minutes. */
export const keepAliveTimeoutMs = 6 * 60_000;

/** Milliseconds a refused connection may take to read why; then it is cut. */
export const refusalLingerMs = 1_000;

/** Milliseconds a call may go on without a word once its client stopped sending. */
export const halfClosedMsMax = 10_000;

/** Milliseconds until a wait that ended because its client hung up may be asked for again. */
export const hangUpRetryMs = 1_000;

/** Milliseconds of TCP keep-alive, so that vanished peers are noticed. */
export const tcpKeepAliveMs = 15_000;

/** Milliseconds between two counts of running leases while draining. */
export const drainPollMs = 250;

/** Part of the shutdown budget that leases may use to drain; the rest closes connections. */
export const drainShare = 0.8;

/** Milliseconds at least for the graceful close of connections. */
export const closeMsMin = 10;

/** Milliseconds between two looks for connections that became idle while closing. */
export const closePollMs = 20;

/** Requests of one connection that may stand behind an unanswered one; usual clients send none. */
export const pipelinedRequestsMax = 1_000;

/** Bytes of the body of such a one; Node stops reading a connection at several times of it. */
export const pipelinedBodyBytesMax = 16 * 1024;

/** Connections waiting to be accepted. */
export const backlogMax = 1024;

/** Milliseconds between two signs of life on a stream of changes; proxies cut after a minute. */
export const changeKeepAliveMs = 15_000;
/** Bytes. JSON bodies of queue calls and the meta part of enqueue: names, attributes, an error. */
export const queueBodyBytesMax = 1024 * 1024;

/** Parts of an enqueue before its payload; the contract has one, strangers may add a few. */
export const enqueuePartsMax = 100;

/** Bytes of a delivery that are put together into one write; larger payloads follow in pieces. */
export const joinedDeliveryBytesMax = 64 * 1024;

/** Milliseconds between two signs of life on an event stream (http-queue.md 9.1). */
export const eventKeepAliveMs = 20_000;

/**
 * Bytes. Body of a query. Far above any real selector; the contract's JSON limit would let a few
 * callers fill the memory.
 */
export const queryBodyBytesMax = 16 * 1024 * 1024;

/** Bytes. Bodies of namespace and index calls (query-and-lql.md sections 10.2 and 11.1). */
export const namespaceBodyBytesMax = 32 * 1024;
export const flushBodyBytesMax = 8 * 1024;

/** Rows, and bytes of small rows, put together into one write (query-and-lql.md section 9.4). */
export const joinedRowsMax = 16;
export const joinedRowsBytesMax = 64 * 1024;

/**
 * Bytes. Body of a decision: as many participants as a transaction may have, with the longest
 * names, a few times over. The contract's JSON limit would let a few callers fill the memory.
 */
export const txnBodyBytesMax = 4 * 1024 * 1024;
