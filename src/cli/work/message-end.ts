/** What becomes of a message when its command has ended. */
import type { StopReason } from "../run/supervisor-step.ts";

/** EX_TEMPFAIL of sysexits.h: not now, but nothing is wrong with the message. */
const deferCode = 75;

/** A command that ended, or was ended. */
export interface CommandEnd {
  /** Its exit code, 128 + n when signal n ended it; undefined: it was never started. */
  readonly exitCode: number | undefined;
  /** Why the supervisor stopped it; undefined: it did not. */
  readonly stopped: StopReason | undefined;
  /** We were told to end, and could not wait for it. */
  readonly calledOff: boolean;
}

export type MessageEnd =
  | { readonly kind: "ack" }
  /** Its command says later: back into the queue, counts as nothing. */
  | { readonly kind: "defer" }
  /** For no reason of its own: back into the queue, at once unless that would go on for ever. */
  | { readonly kind: "give_back"; readonly delaySeconds?: number }
  /** Back into the queue; counts against its attempts. */
  | { readonly kind: "fail"; readonly reason: string }
  /** Nobody's business any more: others may have it. */
  | { readonly kind: "leave" };

/** Exit code 0 is done, 75 is later, any other is a failure. */
export function messageEnd({ exitCode, stopped, calledOff }: CommandEnd): MessageEnd {
  if (stopped === "lease_lost") return { kind: "leave" };
  // It may still be ours, and then it should not have to wait for its lease to end.
  if (stopped !== undefined || calledOff || exitCode === undefined) return { kind: "give_back" };
  if (exitCode === 0) return { kind: "ack" };
  if (exitCode === deferCode) return { kind: "defer" };
  return { kind: "fail", reason: `exit status ${exitCode}` };
}
