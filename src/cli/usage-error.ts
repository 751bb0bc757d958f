import { LockdError } from "../api/errors.ts";

/** The command line is wrong: exit code 2. */
export class UsageError extends LockdError {
  override readonly name = "UsageError";

  constructor(message: string, cause?: unknown) {
    super("usage", message, { cause });
  }
}

/** The command was ended by a signal before it was done: exit code 128 + its number. */
export class Interrupted extends LockdError {
  override readonly name = "Interrupted";
  readonly signalName: "SIGINT" | "SIGTERM";

  constructor(signalName: "SIGINT" | "SIGTERM") {
    super("interrupted", `ended by ${signalName}`);
    this.signalName = signalName;
  }
}
