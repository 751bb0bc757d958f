/**
 * The keys of a message and of its state (http-queue.md 2.3). Clients send the one as a participant
 * of a transaction and address the other like any key, so they are part of the wire.
 */
interface MessageName {
  readonly queue: string;
  readonly messageId: string;
}

/** The key under which a message takes part in a transaction. */
export function messageKeyOf({ queue, messageId }: MessageName): string {
  return `q/${queue}/msg/${messageId}`;
}

/** The key of a message's workflow state. */
export function stateKeyOf({ queue, messageId }: MessageName): string {
  return `q/${queue}/state/${messageId}`;
}
