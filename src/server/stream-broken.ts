/** A stream that ended cleanly for its client although something failed here. */
export class StreamBroken extends Error {
  override readonly name = "StreamBroken";

  constructor(cause: unknown) {
    super("a stream was ended by a failure", { cause });
  }
}
