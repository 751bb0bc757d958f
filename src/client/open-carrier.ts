import { LockdConfigError } from "../api/errors.ts";
import type { Lockd } from "../api/lockd.ts";
import type { AnswerListener } from "./client-shared.ts";
import { HttpLockd } from "./http-lockd.ts";
import { activeTraceContext } from "./trace-context.ts";
import type { ClientOptions } from "./types.ts";

/** What carries the calls of a client: HTTP, or the transport that is given. */
export function openCarrier(options: ClientOptions, onAnswer: AnswerListener): Lockd {
  const { endpoints, transport } = options;
  if (transport === undefined) {
    const traceContext = options.traceContext ?? activeTraceContext;
    return new HttpLockd({ ...options, traceContext, onAnswer });
  }
  if (endpoints === undefined) return transport;
  throw new LockdConfigError("invalid_option", "give endpoints or a transport, not both");
}
