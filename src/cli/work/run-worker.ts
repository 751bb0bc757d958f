/** `lockd work` and `lockd subscribe --exec`: a command for each message. */
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { exitCodes } from "../../api/error-registry.ts";
import type { DequeueRequest } from "../../api/queues.ts";
import type { Connection } from "../connect.ts";
import {
  abandonedDirectories,
  makeOwnedDirectory,
  workDirectoryKind,
} from "../owned-directories.ts";
import { LeaseClock } from "../run/lease-clock.ts";
import { Watchdog } from "../run/watchdog.ts";
import { UsageError } from "../usage-error.ts";
import type { WorkTerms } from "./work-plan.ts";
import { Worker, type WorkerEnd } from "./worker.ts";

const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface RunWorkerParts extends WorkTerms {
  readonly connection: Connection;
  readonly take: DequeueRequest;
  /** Each message in a transaction of its own. */
  readonly inTransaction: boolean;
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly say: (text: string) => void;
}

/** @returns the exit code @throws what the queue refuses, and what hinders every command */
export async function runWorker(parts: RunWorkerParts): Promise<number> {
  const { lockd, mode, worksInline } = parts.connection;
  if (mode.kind === "inline" && /^mem/i.test(mode.storeUrl)) {
    throw new UsageError("nobody but this process sees a memory store; name another with --store");
  }
  // Nobody reads our notes any more: no reason to stop.
  process.stderr.on("error", () => {});
  const parent = parts.payloadDirectory ?? tmpdir();
  await removeAbandoned(parent, parts.say);
  const directory = await makeOwnedDirectory(parent, workDirectoryKind);
  const clock = new LeaseClock();
  const watchdog = new Watchdog(clock);
  const shared = { clock, wallMs: Date.now, sharedWall: worksInline };
  const worker = new Worker({
    ...{ ...parts, ...shared, lockd, queues: lockd.queues, mode, directory, watchdog },
  });
  const signals = new EndingSignals(() => worker.end());
  try {
    return exitCodeOfWorker(await worker.run(), signals.last);
  } finally {
    signals.stop();
    watchdog.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Payloads of workers that were killed are not left to fill the disk. Never hinders this one. */
async function removeAbandoned(parent: string, say: (text: string) => void): Promise<void> {
  for (const directory of abandonedDirectories(parent, workDirectoryKind)) {
    try {
      await rm(directory, { recursive: true, force: true });
      say(`removed ${directory}, left by a worker that was killed`);
    } catch (error) {
      say(`${directory} of a killed worker cannot be removed: ${(error as Error).message}`);
    }
  }
}

/** A worker that was told to end, and could let its commands finish, has done well. */
function exitCodeOfWorker({ forced }: WorkerEnd, last: NodeJS.Signals | undefined): number {
  if (!forced) return exitCodes.ok;
  return last === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated;
}

/** Signals that tell a worker to end; they do what they do by default again after `stop`. */
class EndingSignals {
  readonly #handlers: readonly (readonly [NodeJS.Signals, () => void])[];
  #last: NodeJS.Signals | undefined;

  constructor(onSignal: () => void) {
    this.#handlers = endingSignals.map((name) => {
      const handler = (): void => {
        this.#last = name;
        onSignal();
      };
      process.on(name, handler);
      return [name, handler] as const;
    });
  }

  get last(): NodeJS.Signals | undefined {
    return this.#last;
  }

  stop(): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }
}
