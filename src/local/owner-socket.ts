import { type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { LockdTransportError } from "../api/errors.ts";
import { HttpLockd } from "../client/http-lockd.ts";
import type { HttpLockdOptions } from "../client/http-options.ts";

/** Name of the socket that a server keeps inside the store directory it owns. */
const socketName = "lockd.sock";

/** Failures to connect: nobody listens, or we are not allowed to. Certainly nothing was sent. */
const unreachableCodes = new Set([
  "EACCES",
  "ECONNREFUSED",
  "EINVAL",
  "ENAMETOOLONG",
  "ENOENT",
  "ENOTDIR",
  "ENOTSOCK",
  "EPERM",
]);

/** The way to the server that owns a store directory, as far as there is one. */
export class OwnerSocket {
  readonly path: string;
  readonly #options: Omit<HttpLockdOptions, "endpoints" | "socketPath">;
  #lockd: HttpLockd | undefined;
  /** Identity of a socket file that nobody listened on; a new server makes a new file. */
  #dead: string | undefined;

  constructor(directory: string, options: Omit<HttpLockdOptions, "endpoints" | "socketPath">) {
    this.path = join(directory, socketName);
    this.#options = options;
  }

  /** The carrier through the socket; undefined when certainly nobody listens. One `stat` a call. */
  get lockd(): HttpLockd | undefined {
    const identity = this.#identity();
    if (identity === undefined || identity === this.#dead) return undefined;
    // Repeating is decided above, where it is known whether the owner is still there.
    this.#lockd ??= new HttpLockd({
      ...this.#options,
      socketPath: this.path,
      failureRetries: 0,
    });
    return this.#lockd;
  }

  /** True when `error` says that nobody listens; the socket is then left alone. */
  foundDead(error: unknown): boolean {
    if (!(error instanceof LockdTransportError) || !isUnreachable(error.cause)) return false;
    this.#dead = this.#identity();
    return true;
  }

  async close(): Promise<void> {
    await this.#lockd?.close();
  }

  #identity(): string | undefined {
    let stats: Stats | undefined;
    try {
      stats = statSync(this.path, { throwIfNoEntry: false });
    } catch {
      // Not even allowed to look: the same as nobody there.
      return undefined;
    }
    if (stats === undefined || !stats.isSocket()) return undefined;
    return `${stats.ino}:${stats.ctimeMs}`;
  }
}

function isUnreachable(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  if ("code" in cause && unreachableCodes.has(String(cause.code))) return true;
  if (cause instanceof AggregateError && cause.errors.some(isUnreachable)) return true;
  return isUnreachable(cause.cause);
}
