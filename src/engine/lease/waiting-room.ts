/**
 * Callers that wait for held keys, first in first out per key. Only the first of a key tries to
 * take it; the others cost memory only (architecture.md section 5, rule 5).
 *
 * Races won here: (1) lost wake-ups: a line that was woken while its head was trying tries once
 * more; (2) a head that gave up while its grant was being written gives the grant back before the
 * next one tries, so nobody who has gone is ever left holding a key.
 */
import { failure, type LockdError } from "../../api/errors.ts";
import {
  waitersMax,
  waitersPerKeyMax,
  waitLookMsMin,
  waitPollGrowth,
  waitPollJitter,
  waitPollMsMax,
  waitPollMsMin,
  waitRecheckMs,
} from "../limits.ts";
import type { Clock, ScheduledCall } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { Granted, Held } from "./grant.ts";

/** One caller in line. */
export interface Waiter {
  /** Tries to take the key now. */
  attempt(): Promise<Granted | Held>;
  /** Takes a grant back that came too late. */
  withdraw(granted: Granted): Promise<void>;
  settle(outcome: WaitOutcome): void;
  /** True once the caller has gone (aborted, timed out, refused); set before `leave`. */
  gone: boolean;
}

export type WaitOutcome =
  | { readonly kind: "granted"; readonly granted: Granted }
  | { readonly kind: "failed"; readonly error: unknown };

interface Line {
  readonly name: string;
  readonly waiters: Waiter[];
  /** The head is trying right now. */
  trying: boolean;
  /** Woken while trying. */
  wokenAgain: boolean;
  timer: ScheduledCall | undefined;
  pollMs: number;
  lastHeld: Held;
}

interface RoomPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** False when other processes may free a key without telling us: then lines look themselves. */
  readonly exclusive: boolean;
}

export class WaitingRoom {
  readonly #ports: RoomPorts;
  readonly #lines = new Map<string, Line>();
  #count = 0;

  constructor(ports: RoomPorts) {
    this.#ports = ports;
  }

  /** Callers waiting for one key. */
  waiting(name: string): number {
    return this.#lines.get(name)?.waiters.length ?? 0;
  }

  /** Callers waiting for any key. */
  get total(): number {
    return this.#count;
  }

  /** Who held the key when its line last looked; undefined without a line. */
  lastHeld(name: string): Held | undefined {
    return this.#lines.get(name)?.lastHeld;
  }

  /**
   * Joins the line of a key that was just seen held.
   * @throws overloaded when too many wait already
   */
  join(name: string, waiter: Waiter, seen: Held): void {
    const line = this.#lines.get(name);
    if ((line?.waiters.length ?? 0) >= waitersPerKeyMax || this.#count >= waitersMax) {
      throw failure("overloaded", `too many callers wait for ${name}`, { retryAfterMs: 1000 });
    }
    this.#count += 1;
    if (line !== undefined) {
      line.waiters.push(waiter);
      return;
    }
    const fresh: Line = {
      name,
      waiters: [waiter],
      trying: false,
      wokenAgain: false,
      timer: undefined,
      pollMs: waitPollMsMin,
      lastHeld: seen,
    };
    this.#lines.set(name, fresh);
    // The key may have been freed between the look that saw it held and this moment.
    void this.#advance(fresh);
  }

  /** A caller leaves (abort, deadline); idempotent. Its place in line is taken by the next. */
  leave(name: string, waiter: Waiter): void {
    const line = this.#lines.get(name);
    const at = line?.waiters.indexOf(waiter) ?? -1;
    if (line === undefined || at === -1) return;
    // A head that is trying stays in place until its attempt is over; `gone` tells it to withdraw.
    if (at === 0 && line.trying) return;
    this.#removeAt(line, at);
  }

  /** The key may be free now. */
  wake(name: string): void {
    const line = this.#lines.get(name);
    if (line !== undefined) this.#wakeLine(line);
  }

  /** Something may have changed anywhere (another process wrote). */
  wakeAll(): void {
    for (const line of [...this.#lines.values()]) this.#wakeLine(line);
  }

  /** Ends every wait. */
  failAll(error: () => LockdError): void {
    for (const line of [...this.#lines.values()]) {
      for (const waiter of [...line.waiters]) {
        waiter.gone = true;
        waiter.settle({ kind: "failed", error: error() });
        this.leave(line.name, waiter);
      }
    }
  }

  #wakeLine(line: Line): void {
    if (line.trying) {
      line.wokenAgain = true;
      return;
    }
    void this.#advance(line);
  }

  #removeAt(line: Line, at: number): void {
    line.waiters.splice(at, 1);
    this.#count -= 1;
    if (line.waiters.length > 0 || line.trying) return;
    line.timer?.cancel();
    this.#lines.delete(line.name);
  }

  /** Lets heads try until one is told that the key is held, or the line is empty. Never rejects. */
  async #advance(line: Line): Promise<void> {
    line.timer?.cancel();
    line.timer = undefined;
    line.trying = true;
    for (let head = line.waiters[0]; head !== undefined; head = line.waiters[0]) {
      line.wokenAgain = false;
      const held = head.gone ? undefined : await this.#tryHead(line, head);
      if (held !== undefined && !head.gone && !line.wokenAgain) {
        line.lastHeld = held;
        break;
      }
      if (held === undefined || head.gone) this.#removeAt(line, 0);
    }
    line.trying = false;
    if (line.waiters.length === 0) this.#lines.delete(line.name);
    else this.#lookAgainLater(line);
  }

  /** The lease that stands in the way, or undefined when the head is settled. */
  async #tryHead(line: Line, head: Waiter): Promise<Held | undefined> {
    try {
      const result = await head.attempt();
      if (result.kind === "held") return result;
      line.pollMs = waitPollMsMin;
      if (head.gone) await head.withdraw(result);
      else head.settle({ kind: "granted", granted: result });
    } catch (error) {
      head.settle({ kind: "failed", error });
    }
    return undefined;
  }

  #lookAgainLater(line: Line): void {
    const { clock, random, exclusive } = this.#ports;
    const untilExpiryMs = line.lastHeld.lease.expiresAtUnix * 1000 - clock.wallMs();
    // Wall clock and timer may run at different rates: look early rather than late, but never in
    // ever smaller steps.
    let delayMs = Math.min(Math.max(waitLookMsMin, untilExpiryMs), waitRecheckMs);
    if (!exclusive) {
      const jitter = 1 + (random.fraction() * 2 - 1) * waitPollJitter;
      delayMs = Math.min(delayMs, line.pollMs * jitter);
      line.pollMs = Math.min(line.pollMs * waitPollGrowth, waitPollMsMax);
    }
    line.timer = clock.schedule(delayMs, () => this.#wakeLine(line));
  }
}
