/**
 * Milliseconds that a request for a lease goes on after it was called off: a grant that is being
 * written then still reaches us, so that it can be given back, instead of running out unseen.
 */
const inFlightMs = 250;

/** Aborts as the signal does, a little after it. Keeps no process alive: the request does. */
export function abortLater(signal: AbortSignal, afterMs = inFlightMs): AbortSignal {
  const later = new AbortController();
  const onAbort = (): void => {
    setTimeout(() => later.abort(signal.reason), afterMs).unref();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return later.signal;
}
