/** The command of one message: its payload is put into a file, then it runs and reads that. */
import { open, rm } from "node:fs/promises";
import path from "node:path";
import type { Mode } from "../connect.ts";
import { closePayload, writePayload } from "../queue/payload-file.ts";
import { RunningChild } from "../run/child-process.ts";
import type { LeaseClock } from "../run/lease-clock.ts";
import { termAt } from "../run/lease-timing.ts";
import type { SupervisedChild } from "../run/supervise.ts";
import type { HeldMessage } from "./held-message.ts";
import type { MessageTransaction } from "./message-transaction.ts";
import { workEnvironment } from "./work-environment.ts";

export interface MessageCommandParts {
  readonly held: HeldMessage;
  readonly command: readonly string[];
  readonly clock: LeaseClock;
  /** Where payloads go. */
  readonly directory: string;
  readonly mode: Mode;
  readonly env: NodeJS.ProcessEnv;
  readonly transaction?: MessageTransaction | undefined;
  readonly onPid: (pid: number) => void;
}

/** What `ended` answers for a command that was never started. */
const notStarted = -1;

/**
 * The supervisor keeps the message's lease also while its payload still comes, which may take long;
 * so this is a child from the start. A payload that breaks off is never shown to the command.
 */
export class MessageCommand implements SupervisedChild {
  readonly ended: Promise<number>;
  readonly #parts: MessageCommandParts;
  readonly #file: string;
  #child: RunningChild | undefined;
  #calledOff = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(parts: MessageCommandParts) {
    this.#parts = parts;
    this.#file = path.join(parts.directory, `${parts.held.delivery.leaseId}.bin`);
    this.ended = this.#run();
  }

  /** Undefined when the command was never started. */
  get exitCode(): Promise<number | undefined> {
    return this.ended.then((code) => (code === notStarted ? undefined : code));
  }

  /** Why it was not started, when that was no decision of ours. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  terminate(): void {
    this.#callOff();
    this.#child?.terminate();
  }

  kill(): void {
    this.#callOff();
    this.#child?.kill();
  }

  /** Ends what the command left behind; `all` of it when the message may be somebody else's. */
  async clear(all: boolean): Promise<void> {
    await this.#child?.clear(all);
    await rm(this.#file, { force: true });
  }

  #callOff(): void {
    if (this.#calledOff) return;
    this.#calledOff = true;
    if (this.#child === undefined) void closePayload(this.#parts.held.delivery.payload);
  }

  async #run(): Promise<number> {
    try {
      const child = await this.#start();
      return child === undefined ? notStarted : await child.ended;
    } catch (error) {
      if (!this.#calledOff) this.#failure = { error };
      return notStarted;
    }
  }

  async #start(): Promise<RunningChild | undefined> {
    const { held, command, clock, mode, env, transaction, onPid } = this.#parts;
    const { delivery } = held;
    await writePayload(delivery.payload, this.#file);
    const input = await open(this.#file, "r");
    try {
      // Anything may have stopped us since the message came.
      const isLate = clock.nowMs() >= termAt(held.hold, held.timing);
      if (this.#calledOff || isLate) return undefined;
      this.#child = await RunningChild.start({
        command,
        env: workEnvironment(delivery, this.#file, { mode, env, transaction }),
        leaseId: delivery.leaseId,
        // A signal to us is to let it finish, also when it comes from the terminal.
        scope: "group",
        stdin: input.fd,
        onPid,
      });
      return this.#child;
    } finally {
      await input.close();
    }
  }
}
