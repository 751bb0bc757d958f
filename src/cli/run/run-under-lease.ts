/** `lockd run`: acquire, run the command, keep the lease, commit or roll back, answer its code. */
import { errorEntry } from "../../api/error-registry.ts";
import { LockdApiError } from "../../api/errors.ts";
import type { AcquireRequest, AcquireResult, LeaseAddress, Lockd } from "../../api/lockd.ts";
import type { Mode } from "../connect.ts";
import { exitCodeOf } from "../failure-report.ts";
import { RunningChild } from "./child-process.ts";
import type { LeaseTiming } from "./lease-timing.ts";
import { runEnvironment } from "./run-environment.ts";
import { type Supervised, supervise } from "./supervise.ts";
import { Watchdog } from "./watchdog.ts";

const forwarded = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
] as const satisfies readonly NodeJS.Signals[];

/** Exit code of a command that exists but cannot be executed, as shells have it. */
const notExecutable = 126;

export interface RunParts {
  readonly lockd: Lockd;
  readonly mode: Mode;
  readonly acquire: AcquireRequest;
  readonly timing: LeaseTiming;
  readonly command: readonly string[];
  readonly commits: (exitCode: number) => boolean;
  readonly closeTimeoutMs: number;
  /** Ends the wait for the lease. */
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** @throws what acquire refuses with; everything later is told on stderr and in the exit code */
export async function runUnderLease(parts: RunParts): Promise<number> {
  const { lease, sentAt } = await acquired(parts);
  const address: LeaseAddress = {
    namespace: lease.namespace,
    key: lease.key,
    leaseId: lease.leaseId,
    txnId: lease.txnId,
    fencingToken: lease.fencingToken,
  };
  const watchdog = new Watchdog();
  let child: RunningChild;
  try {
    parts.signal.throwIfAborted();
    const env = runEnvironment(lease, parts.mode, process.env);
    child = await RunningChild.start(parts.command, env);
  } catch (error) {
    watchdog.done();
    await release(parts, address, true);
    if ((error as { cause?: { code?: unknown } }).cause?.code === "EACCES") {
      parts.say(error instanceof Error ? error.message : String(error));
      return notExecutable;
    }
    throw error;
  }
  const stopForwarding = forwardSignals(child);
  try {
    const supervised = await supervise({ ...parts, lease: address, sentAt, child, watchdog });
    watchdog.done();
    child.sweep();
    return await settle(parts, address, supervised);
  } finally {
    stopForwarding();
  }
}

/**
 * The lease together with a moment that is surely before it was granted. A wait can be long, so the
 * lease is renewed once when it was: the time from before that renewal is what counts then.
 */
async function acquired(parts: RunParts): Promise<{ lease: AcquireResult; sentAt: number }> {
  const { lockd, signal, timing } = parts;
  const askedAt = performance.now();
  const lease = await lockd.acquire(parts.acquire, { signal });
  if (performance.now() - askedAt < (timing.ttlSeconds * 1000) / 10) {
    return { lease, sentAt: askedAt };
  }
  const sentAt = performance.now();
  const { leaseId, txnId, fencingToken, namespace, key } = lease;
  const address = { leaseId, txnId, fencingToken, namespace, key };
  await lockd.keepAlive({ ...address, ttlSeconds: timing.ttlSeconds }, { signal });
  return { lease, sentAt };
}

function forwardSignals(child: RunningChild): () => void {
  const handlers = forwarded.map((name) => [name, () => child.forward(name)] as const);
  for (const [name, handler] of handlers) process.on(name, handler);
  return () => {
    for (const [name, handler] of handlers) process.off(name, handler);
  };
}

async function settle(
  parts: RunParts,
  address: LeaseAddress,
  { end, stopped }: Supervised,
): Promise<number> {
  if (stopped !== undefined) {
    await release(parts, address, true);
    return errorEntry("self_fenced")?.exit ?? 6;
  }
  const commit = parts.commits(end.exitCode);
  const failed = await release(parts, address, !commit);
  if (failed === undefined || !commit) return end.exitCode;
  parts.say(`the command ended with ${end.exitCode}, but what it staged may not be committed`);
  return failed;
}

/** Undefined when it worked; else the exit code of the failure, which was told already. */
async function release(
  parts: RunParts,
  address: LeaseAddress,
  rollback: boolean,
): Promise<number | undefined> {
  try {
    const signal = AbortSignal.timeout(parts.closeTimeoutMs);
    await parts.lockd.release({ ...address, rollback }, { signal });
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    parts.say(`the release failed: ${reason}`);
    return error instanceof LockdApiError ? exitCodeOf(error) : 8;
  }
}
