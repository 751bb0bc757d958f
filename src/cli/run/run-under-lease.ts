/** `lockd run`: acquire, run the command, keep the lease, commit or roll back, answer its code. */
import assert from "node:assert";
import { exitCodes } from "../../api/error-registry.ts";
import { failure } from "../../api/errors.ts";
import type { AcquireRequest, AcquireResult, KeyAddress, Lockd } from "../../api/lockd.ts";
import type { Mode } from "../connect.ts";
import { exitCodeOf } from "../failure-report.ts";
import { UsageError } from "../usage-error.ts";
import { childScope, RunningChild } from "./child-process.ts";
import { type HeldLease, heldLease } from "./held-lease.ts";
import { LeaseClock } from "./lease-clock.ts";
import { saysLost } from "./lease-set.ts";
import { killAt, type LeaseTiming, termAt } from "./lease-timing.ts";
import { addLeases, runEnvironment } from "./run-environment.ts";
import { SignalRelay } from "./signal-relay.ts";
import { type Renewal, type Supervised, supervise } from "./supervise.ts";
import { type Guard, Watchdog } from "./watchdog.ts";

export interface RunParts {
  readonly lockd: Lockd;
  readonly mode: Mode;
  /** True while this process and others judge leases by this machine's wall clock. */
  readonly sharedWall: () => boolean;
  /** In the order in which they are taken. */
  readonly acquires: readonly AcquireRequest[];
  /** The key that the command's environment is about. */
  readonly main: KeyAddress;
  readonly timing: LeaseTiming;
  readonly command: readonly string[];
  /** The environment that the command's is made from. */
  readonly env: NodeJS.ProcessEnv;
  readonly commits: (exitCode: number) => boolean;
  readonly closeTimeoutMs: number;
  readonly say: (text: string) => void;
}

/** What one run uses besides what it was told. */
interface Run extends RunParts {
  readonly clock: LeaseClock;
  readonly wallMs: () => number;
  readonly relay: SignalRelay;
}

/**
 * @returns the exit code
 * @throws what acquire refuses with, and what hinders the start of the command
 */
export async function runUnderLease(parts: RunParts): Promise<number> {
  if (parts.mode.kind === "inline" && /^mem/i.test(parts.mode.storeUrl)) {
    throw new UsageError("nobody but this process sees a memory store; name another with --store");
  }
  const relay = new SignalRelay();
  const run: Run = { ...parts, clock: new LeaseClock(), wallMs: Date.now, relay };
  try {
    // Nobody reads our notes any more: no reason to stop.
    process.stderr.on("error", () => {});
    const held = await heldLease({ ...run, signal: relay.waiting });
    if (held.timing.ttlSeconds < parts.timing.ttlSeconds) {
      parts.say(`the server grants no more than ${held.timing.ttlSeconds}s`);
    }
    return await runCommand(run, held);
  } finally {
    relay.stop();
  }
}

/** From the granted lease to its end. */
async function runCommand(run: Run, held: HeldLease): Promise<number> {
  const { clock, relay } = run;
  const unguarded = new AbortController();
  const scope = childScope();
  const { leaseId } = mainOf(run, held);
  let watchdog: Watchdog | undefined;
  let guard: Guard | undefined;
  let child: RunningChild;
  try {
    const graceMs = held.timing.termGraceMs;
    watchdog = new Watchdog(clock);
    const watching = watchdog.guard({
      ...{ leaseId, scope, graceMs },
      onLost: () => unguarded.abort(),
    });
    guard = watching;
    guard.killAt(killAt(held.hold));
    relay.waiting.throwIfAborted();
    // Anything may have stopped us since the lease was granted.
    if (clock.nowMs() >= termAt(held.hold, held.timing)) throw tooLate(held);
    const env = runEnvironment(mainOf(run, held), run.mode, run.env);
    if (held.leases.leases.length > 1) addLeases(env, held.leases.leases);
    const onPid = (pid: number): void => watching.watch(pid);
    child = await RunningChild.start({ command: run.command, env, leaseId, scope, onPid });
  } catch (error) {
    guard?.done();
    watchdog?.close();
    await held.leases.giveUp(run.closeTimeoutMs);
    throw error;
  }
  relay.relayTo((name) => child.forward(name));
  const renewal: Renewal = {
    renew: ({ signal }) => held.leases.renew(held.timing, signal),
    isLost: saysLost,
  };
  const parts = { ...run, ...held, renewal, child, watchdog: guard, unguarded: unguarded.signal };
  const supervised = await supervise(parts);
  await child.clear(supervised.stopped !== undefined);
  guard.done();
  watchdog.close();
  return await settle(run, held, supervised);
}

/** Leases are in the order in which they were taken. */
function mainOf({ acquires, main }: Run, { leases }: HeldLease): AcquireResult {
  const at = acquires.findIndex(
    ({ namespace, key }) => key === main.key && namespace === main.namespace,
  );
  const lease = leases.leases[at];
  assert(lease !== undefined, "the main key is one of those that were acquired");
  return lease;
}

function tooLate({ leases }: HeldLease): Error {
  return failure("self_fenced", `the lease of ${leases.names} was all but over before the start`);
}

/** Commits or rolls back; the answer is the exit code. */
async function settle(run: Run, held: HeldLease, supervised: Supervised): Promise<number> {
  const { exitCode, stopped, sureUntil } = supervised;
  if (stopped !== undefined) {
    await held.leases.giveUp(run.closeTimeoutMs);
    return exitCodes.leaseLost;
  }
  if (!run.commits(exitCode)) {
    const failed = await held.leases.giveUp(run.closeTimeoutMs);
    if (failed !== undefined) {
      run.say(`${held.leases.names} stays held until its lease ends: ${reason(failed)}`);
    }
    return exitCode;
  }
  const ended = `the command ended with ${exitCode}, but what it staged may not be committed`;
  try {
    await held.leases.commit(AbortSignal.timeout(run.closeTimeoutMs));
  } catch (error) {
    run.say(`${ended}: ${reason(error)}`);
    const code = exitCodeOf(error);
    return code === exitCodes.error ? exitCodes.unavailable : code;
  }
  // A release of a lease that is over is answered like any other, but commits nothing.
  if (run.clock.nowMs() < sureUntil) return exitCode;
  run.say(`${ended}: the lease may have ended before`);
  return exitCodes.leaseLost;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
