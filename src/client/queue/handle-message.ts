import { LoopExtender } from "./loop-extender.ts";
import type { Message } from "./message.ts";
import type { QueueHost } from "./queue-host.ts";

/** How a handler ended. */
export type Handled =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly error: unknown }
  /** Its lease could not be kept: whatever the handler did, the message counts as failed. */
  | { readonly kind: "lost"; readonly error: unknown };

/**
 * Runs a handler for a message while the message's lease is extended. A failed extension aborts the
 * handler's signal; the handler is still awaited. Never rejects.
 */
export async function handleMessage(
  host: QueueHost,
  message: Message,
  how: {
    readonly signal: AbortSignal | undefined;
    readonly run: (signal: AbortSignal) => Promise<void>;
  },
): Promise<Handled> {
  const abort = new AbortController();
  let lost: { readonly error: unknown } | undefined;
  const failed = (error: unknown): void => {
    lost = { error };
    abort.abort(error);
  };
  message.extender =
    host.extending?.extender(message, failed) ??
    new LoopExtender(message, host.options.clock, failed);
  message.extender.start();
  const signal =
    how.signal === undefined ? abort.signal : AbortSignal.any([how.signal, abort.signal]);
  let outcome: Handled = { kind: "done" };
  try {
    await how.run(signal);
  } catch (error) {
    outcome = { kind: "failed", error };
  }
  await message.extender.stop();
  message.extender = undefined;
  return lost === undefined ? outcome : { kind: "lost", error: lost.error };
}
