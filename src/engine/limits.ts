/**
 * Named bounds with their unit and their reason. A limit that users may change has its default
 * here and its flag in `src/cli/serve-flags.ts`.
 */

/** Bytes. States up to this size live inside the key record: one record write, no second object. */
export const inlineStateBytesMax = 8 * 1024;

/** Bytes. Raw JSON body of a state before compaction (`json-max`), http-core.md section 12. */
export const jsonBytesMaxDefault = 100 * 1024 * 1024;

/** Seconds. Lease time when the caller names none (`default-ttl`). */
export const leaseTtlSecondsDefault = 30;

/** Seconds. Longest lease (`max-ttl`); longer requests are clamped, as the contract says. */
export const leaseTtlSecondsMaxDefault = 30 * 60;

/** Seconds. Wait of an acquire that leaves it to the server (`acquire-block`). */
export const acquireBlockSecondsDefault = 60;

/** Levels. Deeper JSON is refused; the parser keeps one bit a level (http-core.md section 9). */
export const jsonDepthMax = 10_000;

/** Callers waiting for one key; beyond it acquire answers `overloaded` instead of queueing. */
export const waitersPerKeyMax = 10_000;

/** Callers waiting in one process, over all keys. */
export const waitersMax = 50_000;

/** Records kept decoded in memory when this process is the only writer. */
export const cachedRecordsMax = 150_000;

/** Attempts to write a record against other writers before `cas_mismatch`. */
export const casAttemptsMax = 64;

/** Attempts to find out what became of a write of unknown outcome before `store_unavailable`. */
export const unknownOutcomeReadsMax = 5;

/** Milliseconds between two such attempts, doubling from this. */
export const unknownOutcomeReadDelayMs = 20;

/** Milliseconds. First and longest pause between two looks at a key other processes may change. */
export const waitPollMsMin = 50;
export const waitPollMsMax = 1_000;

/** Growth and jitter (a fraction, both ways) of that pause; cli.md section 2.1. */
export const waitPollGrowth = 1.5;
export const waitPollJitter = 0.2;

/** Milliseconds. Least pause between two looks at a lease that should be over by now. */
export const waitLookMsMin = 2;

/** Milliseconds. Even with a change feed a waiter looks again at least this often (10.1). */
export const waitRecheckMs = 5_000;

/** Bytes. Largest state that acquire returns along with the lease. */
export const returnedStateBytesMax = 64 * 1024;

/** Characters of an owner text; longer ones are refused so that records stay small. */
export const ownerLengthMax = 1024;

/** Milliseconds a superseded content object stays readable before it is deleted. */
export const garbageDelayMs = 1_000;

/** Milliseconds. Least pause between two rounds of deleting. */
export const garbagePauseMsMin = 1;

/** Superseded objects waiting for deletion; beyond it they are left to the sweeper. */
export const garbageQueueMax = 10_000;

/** Milliseconds an object must be seen unreferenced before the sweeper may delete it, at least. */
export const orphanAgeMsMin = 10 * 60_000;

/** Times a mutation is worked out anew because the state changed under it meanwhile. */
export const mutateAttemptsMax = 16;

/** Times a grant is repeated because it ran out while it was being written (a stalled store). */
export const grantRetriesMax = 3;

/** Times a read is repeated because the state it found was replaced before it could be opened. */
export const stateOpenAttemptsMax = 5;

/** Names a sweep looks at between two pauses. */
export const sweepPageSize = 256;

/** Unreferenced objects a sweeper remembers between two looks; the rest waits for a later run. */
export const orphanCandidatesMax = 100_000;

/** Milliseconds on top of the longest lease before an unreferenced object counts as an orphan. */
export const sweepSafetyMarginMs = 5 * 60_000;

/** Participants of one transaction: its record stays small enough to be written often. */
export const txnParticipantsMax = 1_000;

/** Participants a finished decision still names, for people who ask later. */
export const markerParticipantsMax = 64;

/** Seconds a finished decision is remembered (`tc-decision-retention`). */
export const decisionRetentionSecondsDefault = 24 * 3600;

/** Transactions kept in memory when this process is the only writer; more are read on demand. */
export const knownTxnsMax = 200_000;

/** Attempts to apply a decision to one participant, and the first pause between them, doubling. */
export const applyAttemptsMax = 3;
export const applyPauseMs = 50;

/** Times all keys of a transaction are tried in one write before they are taken one by one. */
export const jointWriteAttemptsMax = 4;

/** Times an expired lease of a joint transaction is asked about before its key acts as held. */
export const resolveAttemptsMax = 4;

/** Milliseconds that a consumer waits for such a look at most. */
export const txnReplayInlineMsMax = 250;

/** Milliseconds between two looks at recorded transactions in traffic (`txn-replay-interval`). */
export const txnReplayIntervalMs = 5_000;

/** Records of one such look. */
export const txnReplayRecordsMax = 128;

/** Milliseconds after which such a look begins no other transaction. */
export const txnReplayRunMsMax = 2_000;

/** Markers deleted in one plan: what others wait behind stays short. */
export const markersPerPlanMax = 64;

/** Records read in one page when a process starts. */
export const txnLoadPageSize = 1_000;

/** Transactions recovered side by side. */
export const txnRecoveryWidth = 512;

/** Transactions being finished side by side; beyond it recovery does it later. */
export const txnFinishingMax = 10_000;

/** Milliseconds after which an operation on a transaction is reported as slow. */
export const txnWatchdogMs = 10_000;

/** Participants a line of the log names; of more it says how many. */
export const loggedParticipantsMax = 16;

/** Series of one metric; values of labels beyond it count under `_other`. */
export const meterSeriesMax = 1_000;

/** Transactions of one page of a listing: default, and most. */
export const txnListDefault = 100;
export const txnListMax = 1_000;

/** Seconds in which a repeated acquire with the same idempotency key gets the same lease. */
export const idempotencyWindowSeconds = 30;

/** Characters of an idempotency key. Without certificates it is the only proof: not too short. */
export const idempotencyKeyLengthMin = 16;
export const idempotencyKeyLengthMax = 128;

/** Implicit transactions whose key is remembered, should another lease join them. */
export const mintedTxnsMax = 100_000;

/** Events kept for streams that are behind or come back; about 5 MB, seconds of a busy server. */
export const changeRingMax = 16_384;

/** Change streams open in one process; each costs a look at every event. */
export const changeStreamsMax = 1_000;

/** Keys whose told version a stream remembers, so that a look repeats nothing; then it may. */
export const toldKeysMax = 100_000;

/** Keys that a stream can compare from look to look on a store others write too. */
export const watchedKeysMax = 100_000;

/** Milliseconds between two looks for leases that ran out, while somebody watches. */
export const expiryTickMs = 1_000;

/** Milliseconds. Pause between two looks of a stream at a store others write too. */
export const lookPauseMsMin = 200;
export const lookPauseMsMax = 5_000;

/** A look that takes long is repeated so many times its duration later, to cost at most a fifth. */
export const lookPauseShare = 4;

/** Held keys looked at in one go for an overview; about a millisecond. */
export const overviewSliceEntries = 5_000;

/** Records that one overview reads from a store others write too, at most. */
export const overviewScanRecordsMax = 200_000;

/** Milliseconds that the first overview waits for the held keys to be read in. */
export const overviewLoadWaitMs = 1_000;

/** Queues and transactions of one overview, each. */
export const overviewRowsMax = 100;

/** Characters of an overview's filter. */
export const overviewFilterLengthMax = 256;
/** Milliseconds. Latest instant a queue works with; what lies beyond means "never". */
export const instantMsMax = Number.MAX_SAFE_INTEGER;

/** Bytes. Payloads up to this size live inside the message record: one write, no second object. */
export const inlinePayloadBytesMax = 8 * 1024;

/** Messages kept decoded in memory when this process is the only writer (32 MiB at most). */
export const cachedMessagesMax = 4_096;

/** Bytes of a message's attributes as JSON: with them a delivery's meta stays below 4096 bytes,
 * more than which existing C clients refuse. */
export const attributesBytesMax = 2_048;

/** Characters of a payload's content type, for the same reason. */
export const contentTypeLengthMax = 128;

/** Bytes of a nack's last error as JSON: it is part of a record that is written often. */
export const lastErrorBytesMax = 16 * 1024;

/** Failure budget of a message whose producer names none (http-queue.md 3.1). */
export const maxAttemptsDefault = 5;

/** Largest counter a message may ask for; fits every client's 32-bit integers. */
export const attemptsMax = 2_147_483_647;

/** Messages of one dequeue, and window of a subscription (http-queue.md 5.1). */
export const deliveryPageMax = 64;

/** Priorities reach this far on both sides of 0. */
export const priorityMax = 100;

/** Bytes of the name of an ordered group, and of a dedupe key. */
export const groupBytesMax = 128;
export const dedupeKeyBytesMax = 256;

/**
 * Records of dedupe keys that each enqueue with one pays to look at, that a process looks at when
 * it enters its first, that are read at once, and that are deleted in one plan when they are over.
 */
export const keysLookedAtPerEntry = 2;
export const keysLookedAtFirst = 16;
export const keysPerLook = 128;
export const expiredKeysPerPlanMax = 64;

/**
 * Milliseconds a dedupe key is kept behind its window. A commit that a crash held up asks what had
 * the key when it was decided, and the clock of another server may be behind.
 */
export const dedupeKeyGraceMs = 60_000;

/** Seconds a dedupe key is remembered: default, and longest. */
export const dedupeWindowSecondsDefault = 300;
export const dedupeWindowSecondsMax = 7 * 24 * 3600;

/** Consumers waiting at once when the carrier names no limit (`queue-max-consumers`). */
export const queueConsumersMaxDefault = 1_024;

/** Milliseconds between two looks at a queue others may write (`queue-poll-interval`). */
export const queuePollMsDefault = 3_000;

/** Milliseconds. Uniform 0 to this is added to that pause (`queue-poll-jitter`). */
export const queuePollJitterMsDefault = 500;

/** Milliseconds between two looks while a change feed works (`queue-resilient-poll-interval`). */
export const queueSafetyPollMsDefault = 5 * 60_000;

/** Milliseconds between two looks for those who watch a queue without a change feed: they are to
 * learn of every change within a second and a bit. */
export const queueWatchPollMs = 750;

/** Records of one page of a look at a queue (`queue-list-page-size`). */
export const queuePageSizeDefault = 128;

/** Records of a page when a whole queue is read into memory. */
export const queueLoadPageSize = 1_000;

/** Queues one process keeps in memory; idle ones make room, then `queue_busy`. */
export const trackedQueuesMax = 10_000;

/** Candidates one call may find taken, gone or in the way before it lets others have a turn. */
export const candidatesPerTurnMax = 64;

/** Deliveries a stream leases at once, its window permitting: their claims share one sync. */
export const streamAheadMax = 16;

/** Storage errors in a row before a dequeue answers `waiting` (http-queue.md 4.2). */
export const deliveryFailuresMax = 5;

/** Milliseconds leasing may add to a consumer's wait (http-queue.md 5.2). */
export const deliveryOvertimeMsMax = 2_000;

/** Milliseconds until a message whose producer has not finished it is looked at again. */
export const unfinishedRetryMs = 3_000;

/** Milliseconds a message whose payload cannot be found is hidden from consumers. */
export const missingPayloadHideMs = 30_000;

/**
 * Milliseconds a redriven message is hidden while its dead letter is still to be deleted: longer
 * than the second write takes, and what a process that dies in between costs.
 */
export const redriveHideMs = 10_000;

/** Milliseconds. Least pause before a candidate that could not be had is tried again. */
export const candidateRetryMs = 50;

/** Milliseconds between two looks at the records of a subscription whose window is full. */
export const windowRecheckMs = 250;

/** Milliseconds. Fill budget of a batch: a message, at most (http-queue.md 5.2). */
export const fillMsPerMessage = 5;
export const fillMsMax = 50;

/** Milliseconds. Longest pause of a timer of a queue: clocks may be set meanwhile. */
export const queueTimerMsMax = 60_000;

/**
 * Messages of one transaction and queue that are looked at for a dedupe key that is used again in
 * it; beyond them the commit finds out.
 */
export const stagedKeyLooksMax = 100;

/** Rounds of finding out or trying again before an enqueue with links gives up. */
export const linkAttemptsMax = 32;

/** Rows of a listing of queues or dead letters: default, and most. */
export const queueRowsDefault = 100;
export const queueRowsMax = 1_000;

/**
 * Records looked at to count queues whose numbers are not in memory, in one call: up to half a
 * second. Beyond it is said that there are at least so many.
 */
export const queueCountScanMax = 100_000;

/** Milliseconds a piece of a message must be seen without its record before it is swept away. */
export const queueOrphanAgeMs = 24 * 3_600_000;

/** Attachments a holder sees in one key: all are named in its record, which every write carries. */
export const attachmentsPerKeyMax = 1_000;

/** Bytes of UTF-8 of an attachment's name: it goes into the record and into one header line. */
export const attachmentNameBytesMax = 1_024;

/** Characters of an attachment's content type; real ones are far below. */
export const attachmentTypeLengthMax = 255;

/** Bytes. Longest attachment when the upload names no limit of its own (http-core.md 10.10). */
export const attachmentBytesMaxDefault = 2 ** 40;

/**
 * Milliseconds between the last byte of a payload and the record that names it, far below the age
 * at which the sweeper takes an object nobody names for an orphan.
 */
export const payloadUnnamedMsMax = 2 * 60_000;

/** Rows of a query's page when the caller names none, and at most (query-and-lql.md 9.1). */
export const queryRowsDefault = 100;
export const queryRowsMax = 1_000;

/**
 * Records a scan reads at once. With states of the largest inline size, committed and staged, that
 * is 2 MiB; a page of small ones takes well under a millisecond to read.
 */
export const scanPageRecords = 128;

/**
 * Records of candidates read at once, as many as a scan does; the first time no more than the page
 * of the query can show, because most candidates of a good index are hits.
 */
export const candidateRecordsMax = 128;

/** Keys an index is asked for at once. */
export const candidatePageKeys = 128;

/** Milliseconds a walk may use at a stretch; then leases, others and other walks have theirs. */
export const scanSliceMs = 5;

/** Milliseconds. What a scan read longer ago is read again before it is shown (section 12.1). */
export const scanPageAgeMsMax = 250;

/** Queries running at once in one process: each holds a page. Beyond it `throttled`. */
export const queriesRunningMax = 256;

/** Milliseconds. Hint of that refusal. */
export const queryRetryAfterMs = 1_000;

/** Milliseconds a namespace's configuration is believed (query-and-lql.md section 10). */
export const namespaceConfigAgeMsMax = 250;

/** Namespaces whose configuration is remembered. */
export const cachedNamespaceConfigsMax = 1_000;

/** Namespaces whose index is being flushed in the background at once. */
export const backgroundFlushesMax = 8;

/** Milliseconds such a flush may take. */
export const backgroundFlushMsMax = 2 * 60_000;
