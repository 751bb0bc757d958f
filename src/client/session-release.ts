import { LeaseLostError, LockdApiError, LockdError, LockdTransportError } from "../api/errors.ts";
import { CallLimit } from "./call-limit.ts";
import type { CarrierCall } from "./carrier-call.ts";
import { lostReleasePauseMs, lostReleaseRetries } from "./limits.ts";
import { pause } from "./pause.ts";
import { isOutcomeUnknown, type SessionCore } from "./session-core.ts";

export interface ReleaseHow {
  readonly call: CarrierCall;
  readonly rollback: boolean;
  /** True when an earlier try of this release had an unknown outcome. */
  readonly triedBefore?: boolean;
}

interface ReleaseTry {
  readonly limit: CallLimit;
  readonly rollback: boolean;
  readonly triedBefore: boolean;
}

/**
 * Gives the lease back (client-sdk.md 5.5). Resolves only when what was staged is committed, or
 * was to be discarded, or when nothing was staged.
 * @throws LeaseLostError with `staged` when staged work was lost
 */
export async function releaseSession(core: SessionCore, how: ReleaseHow): Promise<void> {
  const { call, rollback } = how;
  const limit = new CallLimit(core.clock, call);
  let { triedBefore = false } = how;
  for (let retry = 0; ; retry += 1) {
    const error = await releaseOnce(core, { limit, rollback, triedBefore });
    if (error === undefined) return;
    triedBefore ||= error.outcomeUnknown;
    const pauseMs = lostReleasePauseMs * 2 ** retry;
    if (retry === lostReleaseRetries || !isLostAnswer(error)) throw error;
    if (!limit.outlasts(pauseMs)) throw error;
    // Nobody waits for the lease to run out because an answer got lost: releasing twice is once.
    await pause(core.clock, pauseMs, call.signal);
  }
}

/** Undefined when it is done; else what is not known or was refused. */
async function releaseOnce(core: SessionCore, how: ReleaseTry): Promise<LockdError | undefined> {
  const { lockd, view } = core;
  try {
    await lockd.release({ ...view.address(), rollback: how.rollback || undefined }, how.limit.left);
  } catch (error) {
    if (!(error instanceof LockdError)) throw error;
    if (!(error instanceof LockdApiError) || error.code !== "lease_required") return error;
    await checkGone(core, how, error);
    core.end();
    return undefined;
  }
  core.end();
  if (!how.rollback) await checkCommitted(core, how.limit);
  return undefined;
}

function isLostAnswer(error: LockdError): boolean {
  return error instanceof LockdTransportError && error.outcomeUnknown && !error.fatal;
}

/** The lease is gone. That is harmless when nothing staged can have been lost with it. */
async function checkGone(core: SessionCore, how: ReleaseTry, error: LockdApiError): Promise<void> {
  if (how.rollback || !core.view.dirty) return;
  const repeated = how.triedBefore || error.outcomeUnknown;
  if (repeated && (await wasCommitted(core, how.limit)) === true) return;
  core.end();
  throw stagedLost(core, error);
}

/**
 * A server answers the release of an expired lease with success although what was staged is gone.
 * So when the lease may have run out before, look at what was committed.
 */
async function checkCommitted(core: SessionCore, limit: CallLimit): Promise<void> {
  const { view, clock } = core;
  const { sureUntilMs, staged } = view;
  if (!view.dirty || view.facts.joined || staged === undefined) return;
  if (sureUntilMs === undefined || clock.monotonicMs() < sureUntilMs) return;
  if ((await wasCommitted(core, limit)) === false) throw stagedLost(core, undefined);
}

/**
 * Whether the last staged change is in the committed state now: undefined when it cannot be told.
 */
export async function wasCommitted(
  core: SessionCore,
  limit: CallLimit,
): Promise<boolean | undefined> {
  const { lockd, view } = core;
  const { namespace, key } = view.facts;
  if (view.staged === undefined) return undefined;
  const { version, stateEtag } = await lockd.describe({ namespace, key }, limit.left);
  if (version !== view.staged.version) return version > view.staged.version;
  // The same version with another content was committed by somebody else.
  if ((stateEtag ?? "") !== view.staged.etag && view.knowsState) return false;
  return await hasAttachments(core, limit);
}

/** Whether what was attached is committed: who else committed has other ids or other bytes. */
async function hasAttachments(core: SessionCore, limit: CallLimit): Promise<boolean> {
  const { lockd, view } = core;
  if (view.attached.size === 0) return true;
  const { namespace, key } = view.facts;
  const all = { namespace, key, public: true };
  const { attachments } = await lockd.attachments.list(all, limit.left);
  const found = new Map(attachments.map((info) => [info.id, info.sha256]));
  return [...view.attached.values()].every(({ id, sha256 }) => found.get(id) === sha256);
}

function stagedLost(core: SessionCore, cause: LockdApiError | undefined): LeaseLostError {
  const { key } = core.view.facts;
  return new LeaseLostError(
    "lease_required",
    `the lease of "${key}" was gone before the release; its staged changes are lost`,
    {
      operation: "release",
      staged: true,
      outcomeUnknown: isOutcomeUnknown(cause),
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
