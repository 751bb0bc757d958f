import { errorEntry } from "../../api/error-registry.ts";
import { LockdApiError, LockdTimeoutError, LockdTransportError } from "../../api/errors.ts";
import type { ChangeEvent, ChangesRequest, Observation } from "../../api/observation.ts";
import type { ClientClock } from "../client-ports.ts";
import { followedVersionsMax, followPauseMsMax, followPauseMsMin } from "../limits.ts";
import { pause } from "../pause.ts";

export interface FollowOptions {
  readonly clock: ClientClock;
  /** Ends the stream; aborting is no error. */
  readonly signal: AbortSignal;
  readonly correlationId?: string | undefined;
  /** Told when the stream broke, ended, or could not be opened again; `undefined` for an end. */
  readonly onInterruption?: ((error: unknown) => void) | undefined;
}

/**
 * Changes from whoever answers, for as long as the caller likes: opens the stream again where it
 * broke, and tells no version of a key twice. With a key or a prefix no commit is lost over any
 * number of breaks. Rejects when the first stream cannot be opened, or none ever could again.
 */
export async function* followChanges(
  observation: Observation,
  request: ChangesRequest,
  options: FollowOptions,
): AsyncGenerator<ChangeEvent> {
  const { signal, clock, correlationId, onInterruption } = options;
  const told = new ToldVersions();
  let after = request.after;
  let opened = false;
  for (let failures = 0; !signal.aborted; failures += 1) {
    let interruption: unknown;
    try {
      const stream = await observation.changes({ ...request, after }, { signal, correlationId });
      opened = true;
      try {
        for await (const event of stream) {
          after = event.id;
          if (event.kind === "ready") failures = 0;
          if (told.takes(event)) yield event;
        }
      } finally {
        await stream.close();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!opened || !mayHeal(error)) throw error;
      interruption = error;
    }
    if (signal.aborted) return;
    onInterruption?.(interruption);
    const pauseMs = Math.min(followPauseMsMin * 2 ** Math.min(failures, 10), followPauseMsMax);
    await pause(clock, pauseMs, signal).catch(() => {});
  }
}

function mayHeal(error: unknown): boolean {
  if (error instanceof LockdTimeoutError) return true;
  if (error instanceof LockdTransportError) return !error.fatal;
  if (!(error instanceof LockdApiError)) return false;
  return error.status >= 500 || errorEntry(error.code)?.retryable === true;
}

/** What a look tells again after a break is no news. */
class ToldVersions {
  readonly #versions = new Map<string, number>();

  takes({ kind, namespace, key, version }: ChangeEvent): boolean {
    if (kind !== "state_committed" && kind !== "state_removed") return true;
    if (version === undefined) return true;
    const name = `${namespace}/${key}`;
    const known = this.#versions.get(name);
    if (known !== undefined && known >= version) return false;
    if (known === undefined && this.#versions.size >= followedVersionsMax) return true;
    this.#versions.set(name, version);
    return true;
  }
}
