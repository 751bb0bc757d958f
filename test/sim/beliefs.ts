/**
 * What holders do with their leases outside lockd: a register per key that refuses a token lower
 * than one it has seen (fencing), and the spans in which each client believes it holds a key.
 */
import type { Violation } from "./violation.ts";

export interface Belief {
  readonly key: string;
  readonly token: number;
  readonly leaseId: string;
  readonly fromMs: number;
  /** Ends earlier than the lease: counted from when the call was sent. */
  untilMs: number;
}

interface Register {
  token: number;
  leaseId: string;
}

export class Beliefs {
  readonly #registers = new Map<string, Register>();
  readonly spans: Belief[] = [];
  readonly violations: Violation[] = [];
  /** Writes that the register refused: each is an overlap that fencing made harmless. */
  refused = 0;
  accepted = 0;

  begin(belief: Belief): Belief {
    this.spans.push(belief);
    return belief;
  }

  /** A holder's effect arrives at the register of its key. */
  write(belief: Belief, atMs: number): void {
    const register = this.#registers.get(belief.key);
    if (register === undefined || belief.token > register.token) {
      this.#registers.set(belief.key, { token: belief.token, leaseId: belief.leaseId });
      this.accepted += 1;
    } else if (belief.token < register.token) {
      this.refused += 1;
    } else if (belief.leaseId === register.leaseId) {
      this.accepted += 1;
    } else {
      this.violations.push({
        property: "P01 mutual exclusion by token",
        key: belief.key,
        text: `two leases wrote under token ${belief.token}: fencing cannot tell them apart`,
        atMs,
      });
    }
  }

  /** With right clocks no two clients may ever believe at the same time that they hold a key. */
  overlaps(): readonly Violation[] {
    const found: Violation[] = [];
    const last = new Map<string, Belief>();
    // A grant that was answered when it was over already was never believed.
    const believed = this.spans.filter(({ fromMs, untilMs }) => untilMs > fromMs);
    const sorted = believed.sort((one, other) => one.fromMs - other.fromMs);
    for (const span of sorted) {
      const before = last.get(span.key);
      if (before !== undefined && before.untilMs > span.fromMs) {
        const text =
          `tokens ${before.token} and ${span.token} were both believed held ` +
          `at ${span.fromMs.toFixed(1)}`;
        found.push({ property: "P01 mutual exclusion", key: span.key, text, atMs: span.fromMs });
      }
      if (before === undefined || span.untilMs > before.untilMs) last.set(span.key, span);
    }
    return found;
  }
}
