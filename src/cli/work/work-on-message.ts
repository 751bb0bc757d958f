/** One message from the moment it is ours until it is settled. */
import { LockdError } from "../../api/errors.ts";
import type { Mode } from "../connect.ts";
import type { LeaseClock } from "../run/lease-clock.ts";
import { killAt } from "../run/lease-timing.ts";
import { supervise } from "../run/supervise.ts";
import type { Watchdog } from "../run/watchdog.ts";
import { type HeldMessage, isMessageLost } from "./held-message.ts";
import { MessageCommand } from "./message-command.ts";
import { type MessageEnd, messageEnd } from "./message-end.ts";
import { type MessageTransaction, rolledBackBy } from "./message-transaction.ts";

/** The command cannot be run for any message. */
const fatalCodes = new Set(["command_not_started", "command_not_executable"]);

/** Seconds before a message is tried again, by anyone, that failed through no fault of its own. */
const pauseSeconds = 10;

export interface MessageWorkParts {
  readonly command: readonly string[];
  readonly directory: string;
  readonly mode: Mode;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: LeaseClock;
  readonly wallMs: () => number;
  readonly watchdog: Watchdog;
  /** Seconds before a message that failed, or that its command put off, is delivered again. */
  readonly nackDelaySeconds: number | undefined;
  /** Deliveries after which the command is not tried any more. */
  readonly maxDeliveries: number;
  readonly say: (text: string) => void;
}

/** A message being worked on. */
export class MessageWork {
  /** Resolves when nothing of it is left; with the failure that no message will be spared. */
  readonly done: Promise<unknown | undefined>;
  readonly #parts: MessageWorkParts;
  readonly #held: HeldMessage;
  readonly #transaction: MessageTransaction | undefined;
  #command: MessageCommand | undefined;
  #calledOff = false;
  /** A key of the transaction is gone that the command believes to hold. */
  #lostKey = false;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(parts: MessageWorkParts, held: HeldMessage, transaction?: MessageTransaction) {
    this.#parts = parts;
    this.#held = held;
    this.#transaction = transaction;
    this.done = this.#run();
  }

  /** Asks the command to end; its message goes back without counting as a failure. */
  stop(): void {
    this.#calledOff = true;
    this.#command?.terminate();
  }

  kill(): void {
    this.#calledOff = true;
    this.#command?.kill();
  }

  async #run(): Promise<unknown | undefined> {
    const { attempts } = this.#held.delivery;
    const { maxDeliveries } = this.#parts;
    if (attempts > maxDeliveries) {
      await this.#settle({ kind: "fail", reason: `delivered more than ${maxDeliveries} times` });
      return undefined;
    }
    try {
      return await this.#runCommand();
    } catch (error) {
      // No watchdog, no disk for the payload: no message will fare better.
      await this.#settle({ kind: "give_back" });
      return error;
    }
  }

  async #runCommand(): Promise<unknown | undefined> {
    const held = this.#held;
    const { clock, wallMs, watchdog } = this.#parts;
    const unguarded = new AbortController();
    const guard = watchdog.guard({
      leaseId: held.delivery.leaseId,
      scope: "group",
      graceMs: held.timing.termGraceMs,
      onLost: () => unguarded.abort(),
    });
    const onPid = (pid: number): void => guard.watch(pid);
    let end: MessageEnd;
    let command: MessageCommand;
    try {
      guard.killAt(killAt(held.hold));
      command = new MessageCommand({ ...this.#parts, held, transaction: this.#transaction, onPid });
      this.#command = command;
      this.#transaction?.keepKeys((error) => this.#keyLost(error));
      const { stopped } = await supervise({
        ...{ renewal: held, timing: held.timing, hold: held.hold, clock, wallMs },
        ...{ child: command, watchdog: guard, unguarded: unguarded.signal },
        say: (text) => this.#say(text),
      });
      await command.clear(stopped !== undefined || this.#calledOff);
      const exitCode = await command.exitCode;
      end = messageEnd({ exitCode, stopped, calledOff: this.#calledOff });
    } finally {
      guard.done();
      await this.#transaction?.stopKeeping();
      clearTimeout(this.#killTimer);
    }
    if (this.#lostKey && end.kind !== "leave")
      end = { kind: "give_back", delaySeconds: pauseSeconds };
    return await this.#conclude(end, command.failure);
  }

  /** Whatever the command does now is rolled back: it need not go on. */
  #keyLost(error: Error): void {
    this.#lostKey = true;
    this.#say(`${error.message}; stopping the command`);
    this.#command?.terminate();
    const { termGraceMs } = this.#held.timing;
    this.#killTimer = setTimeout(() => this.#command?.kill(), termGraceMs);
  }

  async #conclude(
    end: MessageEnd,
    failure: { readonly error: unknown } | undefined,
  ): Promise<unknown | undefined> {
    if (failure === undefined) {
      await this.#settle(end);
      return undefined;
    }
    const { error } = failure;
    this.#say(reasonOf(error));
    const isFatal = error instanceof LockdError && fatalCodes.has(error.code);
    const delayed = { kind: "give_back", delaySeconds: pauseSeconds } as const;
    await this.#settle(isFatal || end.kind !== "give_back" ? end : delayed);
    return isFatal ? error : undefined;
  }

  /** What cannot be settled is delivered again when its lease ends. */
  async #settle(end: MessageEnd): Promise<void> {
    const transaction = this.#transaction;
    await this.#held.settled();
    if (end.kind === "leave") {
      if ((await transaction?.rollBack()) === "commit") this.#say(committedBefore(transaction));
      return;
    }
    try {
      if (end.kind === "ack" && transaction !== undefined) {
        await transaction.commit(this.#held.delivery);
        return;
      }
      await this.#tell(end);
      await transaction?.letGo();
    } catch (error) {
      // A commit that may have been recorded is left alone; so is a nack that may come to pass.
      const isOver = end.kind === "ack" ? !isUnknown(error) : isMessageLost(error);
      const recorded = isOver ? await transaction?.rollBack() : undefined;
      // A message that cannot be nacked went with a transaction that its command has decided.
      if (recorded === "commit") this.#say(committedBefore(transaction));
      else if (recorded === "rollback" && end.kind !== "ack") this.#say(backBefore(transaction));
      else this.#say(`${unsettled(end, error, transaction?.txnId)}: ${reasonOf(error)}`);
    }
  }

  /** @throws what ack and nack throw */
  async #tell(end: MessageEnd): Promise<void> {
    const held = this.#held;
    const { nackDelaySeconds } = this.#parts;
    if (end.kind === "ack") await held.ack();
    if (end.kind === "give_back") await held.defer(end.delaySeconds);
    if (end.kind === "defer") await held.defer(nackDelaySeconds);
    if (end.kind === "fail") {
      this.#say(`${end.reason} (attempt ${held.delivery.attempts})`);
      await held.fail(end.reason, nackDelaySeconds);
    }
  }

  #say(text: string): void {
    this.#parts.say(`message ${this.#held.id}: ${text}`);
  }
}

/** What became of a message that could not be settled. */
function unsettled(end: MessageEnd, error: unknown, txnId: string | undefined): string {
  if (end.kind === "ack" && txnId !== undefined) {
    return isUnknown(error)
      ? `it was done, and nobody could tell whether it is committed (lockd txn replay ${txnId})`
      : "it was done, but nothing of it is committed, and it comes again";
  }
  const what = end.kind === "ack" ? "it was done, but cannot be acked" : "it cannot be nacked";
  return `${what}, ${isMessageLost(error) ? "others may have it" : "it comes back with its lease"}`;
}

function committedBefore(transaction: MessageTransaction | undefined): string {
  const id = transaction?.txnId ?? "";
  return `its command has committed transaction ${id}: it is gone, and what was done in it stands`;
}

function backBefore(transaction: MessageTransaction | undefined): string {
  const id = transaction?.txnId ?? "";
  return `transaction ${id} was rolled back before, ${rolledBackBy}: it comes again`;
}

function isUnknown(error: unknown): boolean {
  return error instanceof LockdError && error.outcomeUnknown;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
