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

/** Milliseconds between two looks at recorded transactions in traffic (`txn-replay-interval`). */
export const txnReplayIntervalMs = 5_000;

/** Records of one such look. */
export const txnReplayRecordsMax = 128;

/** Records read in one page when a process starts. */
export const txnLoadPageSize = 1_000;

/** Transactions recovered side by side. */
export const txnRecoveryWidth = 64;

/** Transactions being finished side by side; beyond it recovery does it later. */
export const txnFinishingMax = 10_000;

/** Milliseconds after which an operation on a transaction is reported as slow. */
export const txnWatchdogMs = 10_000;

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
