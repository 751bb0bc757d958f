/**
 * Forgets decisions whose retention is over (transactions-and-islands.md section 7): in the idle
 * sweep, and a bounded part of them behind the decisions themselves. A store that is never idle, or
 * that no server looks after, would otherwise keep a marker of every transaction for ever.
 */
import { markersPerPlanMax, txnReplayRecordsMax, txnReplayRunMsMax } from "../limits.ts";
import type { Monotonic } from "../ports/clock.ts";
import type { NamedObject, ObjectPage, Step } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import { decodeMarker } from "./txn-codec.ts";
import type { SweepMode } from "./txn-meter.ts";
import type { TxnParts } from "./txn-parts.ts";
import { markerPrefix } from "./txn-record.ts";

/** On whose account, and when no other plan is to be begun. */
interface Effort {
  readonly mode: SweepMode;
  readonly isOver: () => boolean;
}

export class ExpiredMarkers {
  readonly #parts: TxnParts;
  #cursor: string | undefined;
  #lookedAt: Monotonic | undefined;
  #looking: Promise<void> | undefined;
  #isStopped = false;

  constructor(parts: TxnParts) {
    this.#parts = parts;
  }

  /** A page of the idle sweep, going on where the last one stopped. @throws store errors */
  async page(limit: number, effort: Effort): Promise<{ looked: number; complete: boolean }> {
    const page = await this.#scan(limit, this.#cursor);
    const looked = page.objects.length;
    if (!(await this.#delete(this.#expiredOf(page, effort.mode), effort))) {
      return { looked, complete: false };
    }
    this.#cursor = page.more ? page.objects.at(-1)?.name : undefined;
    return { looked, complete: !page.more };
  }

  /** A decision has been made; nobody waits for what this begins now and then. */
  decided(): void {
    const { options, settings, meter } = this.#parts;
    const now = options.clock.monotonicMs();
    const isEarly =
      this.#lookedAt !== undefined && now - this.#lookedAt < settings.replayIntervalMs;
    if (isEarly || this.#looking !== undefined || this.#isStopped) return;
    this.#lookedAt = now;
    const isOver = (): boolean =>
      this.#isStopped || options.clock.monotonicMs() - now > txnReplayRunMsMax;
    this.#looking = this.#oldest({ mode: "transparent", isOver })
      .catch((error: unknown) => {
        meter.warn("txn.markers.failed", { error: String(error) });
      })
      .finally(() => {
        this.#looking = undefined;
      });
  }

  /** Begins no other plan, and resolves when the one under way is written. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#looking;
  }

  /**
   * Ids begin with the time they were made at, so the oldest markers come first, and a page without
   * an expired one is the end. Where callers choose other ids, the idle sweep finds the rest.
   */
  async #oldest(effort: Effort): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const page = await this.#scan(txnReplayRecordsMax, after);
      const expired = this.#expiredOf(page, effort.mode);
      if (expired.length === 0 || !(await this.#delete(expired, effort)) || !page.more) return;
      after = page.objects.at(-1)?.name;
    }
  }

  #scan(limit: number, after: string | undefined): Promise<ObjectPage> {
    return callStore(() => this.#parts.options.store.scan(markerPrefix, { after, limit }));
  }

  #expiredOf({ objects }: ObjectPage, mode: SweepMode): readonly NamedObject[] {
    const nowUnix = this.#parts.shell.nowUnix();
    return objects.filter(({ name, bytes }) => {
      try {
        return decodeMarker(name, bytes).expiresAtUnix <= nowUnix;
      } catch (error) {
        this.#parts.meter.unreadable(name, error, mode);
        return false;
      }
    });
  }

  /** False when it had to stop in between. */
  async #delete(expired: readonly NamedObject[], { mode, isOver }: Effort): Promise<boolean> {
    // Idle sweeps stop within one marker when somebody comes; others are over soon anyway.
    const isTogether = mode !== "idle" && this.#parts.log.isAtomic;
    const count = isTogether ? markersPerPlanMax : 1;
    for (let at = 0; at < expired.length; at += count) {
      if (isOver()) return false;
      await this.#deleteTogether(expired.slice(at, at + count), mode);
    }
    return true;
  }

  /** One that was renewed meanwhile keeps the others of its plan for the next look. */
  async #deleteTogether(expired: readonly NamedObject[], mode: SweepMode): Promise<void> {
    const { log, meter } = this.#parts;
    const steps = expired.map(
      ({ name, tag }): Step => ({ kind: "delete", name, when: { kind: "tag", tag } }),
    );
    const { kind } = await log.apply(steps);
    const outcome = kind === "applied" ? "deleted" : "failed";
    meter.count(`txn.decision.marker.${outcome}`, [mode], expired.length);
  }
}
