import type { LockdApiError } from "../../api/errors.ts";
import type { Step } from "../ports/store.ts";
import type { Message, StoredMessage } from "./message.ts";

/**
 * What a pure transition of a message decided. The shell (`message-shell.ts`) carries it out with
 * compare-and-swap and decides again on the fresh record when somebody else was faster.
 */
export type MessageDecision<Answer> =
  /** Nothing to write. */
  | { readonly kind: "keep"; readonly answer: Answer }
  /** Write, then answer; the new `meta_etag` is known only then. */
  | {
      readonly kind: "put";
      readonly next: Message;
      readonly answer: (etag: string) => Answer;
      /** What holds or fails with it, where plans are atomic; made for this one attempt. */
      readonly also?: readonly Step[];
    }
  /** Delete with everything that hangs off it, then answer. */
  | { readonly kind: "delete"; readonly gone: Message; readonly answer: Answer }
  /** Write the dead letter, delete the message, then answer. The payload object is kept. */
  | { readonly kind: "bury"; readonly letter: Message; readonly answer: Answer }
  | { readonly kind: "refuse"; readonly error: LockdApiError };

/** A pure transition of a message (undefined: there is none) at `nowMs`. */
export type MessageTransition<Answer> = (
  current: StoredMessage | undefined,
  nowMs: number,
) => MessageDecision<Answer>;

export function keep<Answer>(answer: Answer): MessageDecision<Answer> {
  return { kind: "keep", answer };
}

export function put<Answer>(
  next: Message,
  answer: (etag: string) => Answer,
): MessageDecision<Answer> & { readonly kind: "put" } {
  return { kind: "put", next, answer };
}

export function refuse(error: LockdApiError): MessageDecision<never> {
  return { kind: "refuse", error };
}
