import { LockdTimeoutError } from "../api/errors.ts";
import type { LockdCall } from "../api/lockd.ts";
import type { ClientClock } from "../client/client-ports.ts";
import { untilAborted } from "../client/until-aborted.ts";

/** Gives an engine in this process what the HTTP carrier has: limits, and answers to aborts. */
export async function limitedCall<T>(
  clock: ClientClock,
  limited: {
    readonly operation: string;
    readonly changes: boolean;
    readonly call: LockdCall;
  },
  run: (call: LockdCall) => Promise<T>,
): Promise<T> {
  const { call, operation, changes } = limited;
  call.signal?.throwIfAborted();
  const { timeoutMs } = call;
  if (timeoutMs === undefined || timeoutMs === Number.POSITIVE_INFINITY) {
    return await untilAborted(run(call), call.signal);
  }
  const limit = new AbortController();
  const timer = clock.schedule(timeoutMs, () => {
    const message = `${operation} took more than ${Math.round(timeoutMs)} ms`;
    limit.abort(new LockdTimeoutError("timeout", message, { operation, outcomeUnknown: changes }));
  });
  const signal =
    call.signal === undefined ? limit.signal : AbortSignal.any([call.signal, limit.signal]);
  try {
    return await untilAborted(run({ ...call, signal }), signal);
  } finally {
    timer.cancel();
  }
}
