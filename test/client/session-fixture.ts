import { apiErrorOf, LockdTransportError } from "../../src/api/errors.ts";
import { clientOver } from "../../src/client/client.ts";
import type { AnswerListener } from "../../src/client/client-shared.ts";
import type { LockdClient, SessionOptions } from "../../src/client/types.ts";
import type { ManualClock } from "../support/manual-clock.ts";
import { ProbedLockd } from "../support/probed-lockd.ts";
import { testEngine } from "../support/test-engine.ts";

export interface SessionFixture {
  readonly client: LockdClient;
  readonly lockd: ProbedLockd;
  readonly clock: ManualClock;
  /** Pretends that a server sent these headers. */
  readonly answered: AnswerListener;
}

/** A client over an engine in memory whose time stands still. */
export function sessionFixture(options: SessionOptions = {}): SessionFixture {
  const { engine, clock } = testEngine();
  const lockd = new ProbedLockd(engine);
  const hook: { listener?: AnswerListener } = {};
  const client = clientOver(
    (onAnswer) => {
      hook.listener = onAnswer;
      return lockd;
    },
    { clock, random: { fraction: () => 0.5 }, ...options },
  );
  return {
    client,
    lockd,
    clock,
    answered: (endpoint, headers) => hook.listener?.(endpoint, headers),
  };
}

export const request = { key: "orders/1", owner: "w1", ttlMs: 30_000 };

export const passive = apiErrorOf("node_passive", "another node", { status: 503 });
export const leaseRequired = apiErrorOf("lease_required", "gone", { status: 403 });
export const leaseExpired = apiErrorOf("lease_expired", "ran out", { status: 403 });

/** The answer of a request that may have taken effect was lost. */
export function lostAnswer(): LockdTransportError {
  return new LockdTransportError("transport", "cut", { outcomeUnknown: true });
}

/** Advances a manual clock until `promise` settles. */
export async function advancing<T>(
  clock: ManualClock,
  promise: Promise<T>,
  stepMs = 500,
): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  watched.catch(() => {});
  for (let step = 0; step < 2_000 && !settled; step += 1) await clock.advance(stepMs);
  return await watched;
}
