import type { BodyIn } from "../api/lockd.ts";

/** A body that can be read again from its start, so that a request may be repeated. */
export interface ReplayableBody extends AsyncIterable<Uint8Array> {
  readonly replayable: true;
  /** Bytes, when known: sent as Content-Length. */
  readonly size: number | undefined;
}

/** True for bodies that may be iterated more than once. */
export function isReplayable(body: BodyIn): body is Uint8Array | ReplayableBody {
  if (body instanceof Uint8Array) return true;
  return "replayable" in body && body.replayable === true;
}
