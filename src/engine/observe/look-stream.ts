/**
 * A stream of changes on a store that others write too: it looks at the records again and again and
 * tells what differs. What happens and ends between two looks is not seen; of a state the newest
 * version always is.
 */
import { failure } from "../../api/errors.ts";
import type { ChangeEvent } from "../../api/observation.ts";
import { isExpired } from "../lease/lease-rules.ts";
import { lookPauseMsMax, lookPauseMsMin, lookPauseShare, watchedKeysMax } from "../limits.ts";
import { matches, watchedKeys } from "./change-filter.ts";
import { DecisionLook } from "./decision-look.ts";
import {
  type ChangeDraft,
  isStateChange,
  leaseChange,
  placeOf,
  recordChanges,
  type SeenKey,
  seenKey,
  stateChange,
  unseenKey,
} from "./record-changes.ts";
import { walkRecords } from "./record-walk.ts";
import { lookEventId, type StreamParts } from "./ring-stream.ts";
import { txnDecided } from "./txn-changes.ts";

export class LookStream {
  readonly #parts: StreamParts;
  readonly #seen = new Map<string, SeenKey>();
  readonly #decision: DecisionLook | undefined;
  /** The first look only finds out what there is. */
  #begun = false;

  constructor(parts: StreamParts) {
    this.#parts = parts;
    const { store, filter } = parts;
    this.#decision = filter.txnId === undefined ? undefined : new DecisionLook(store, filter.txnId);
  }

  /** @throws overloaded when there are too many keys to compare */
  async *events(): AsyncGenerator<ChangeEvent> {
    const { clock, filter, ended } = this.#parts;
    for (;;) {
      const startedMs = clock.monotonicMs();
      for await (const change of this.#look()) {
        if (matches(filter, change)) yield { id: lookEventId, ...change };
      }
      if (!this.#begun) yield { id: lookEventId, kind: "ready", atUnixMs: clock.wallMs() };
      this.#begun = true;
      if (ended()) return;
      await this.#pause((clock.monotonicMs() - startedMs) * lookPauseShare);
      if (ended()) return;
    }
  }

  /** A quick look is repeated early when something is known to have been written. */
  #pause(busyMs: number): Promise<void> {
    const { clock, ring } = this.#parts;
    return new Promise((resolve) => {
      const pauseMs = Math.min(Math.max(busyMs, lookPauseMsMin), lookPauseMsMax);
      const over = (): void => {
        timer.cancel();
        forget();
        resolve();
      };
      const timer = clock.schedule(pauseMs, over);
      const forget = ring.onNext(busyMs < lookPauseMsMin ? over : () => {});
    });
  }

  async *#look(): AsyncGenerator<ChangeDraft> {
    const { store, clock, filter, ended } = this.#parts;
    for await (const page of walkRecords({ store, clock }, watchedKeys(filter))) {
      for (const { name, record } of page) {
        if (ended()) return;
        yield* this.#compare(name, seenKey(record));
      }
    }
    const outcome = await this.#decision?.news();
    // What was decided before the stream began is news only to those who come back.
    const isNews = this.#begun || filter.after !== undefined;
    if (outcome === undefined || !isNews) return;
    yield txnDecided({ txnId: filter.txnId ?? "", outcome }, clock.wallMs());
  }

  #compare(name: string, found: SeenKey): readonly ChangeDraft[] {
    const { clock, filter } = this.#parts;
    const nowMs = clock.wallMs();
    const before = this.#seen.get(name) ?? unseenKey;
    const place = placeOf(name, nowMs);
    const ranOut =
      found.lease !== undefined && isExpired(found.lease, Math.floor(nowMs / 1000))
        ? found.lease
        : undefined;
    const now = ranOut === undefined ? found : { ...found, lease: undefined };
    this.#remember(name, now);
    if (!this.#begun) {
      const told = filter.fromVersion ?? (filter.after === undefined ? undefined : 0);
      if (told === undefined || now.version <= told) return [];
      return [coalesced(stateChange(place, unseenKey, now))];
    }
    if (ranOut !== undefined && ranOut.id === before.lease?.id) {
      return [
        ...recordChanges(place, { ...before, lease: undefined }, now).map(coalesced),
        leaseChange(place, "lease_expired", ranOut),
      ];
    }
    return recordChanges(place, before, now).map(coalesced);
  }

  #remember(name: string, seen: SeenKey): void {
    if (!this.#seen.has(name) && this.#seen.size >= watchedKeysMax) {
      const detail = `more than ${watchedKeysMax} keys to compare; watch a narrower prefix`;
      throw failure("overloaded", detail, { retryAfterMs: 60_000 });
    }
    this.#seen.set(name, seen);
  }
}

/** Between two looks there may have been more than the newest. */
function coalesced(change: ChangeDraft): ChangeDraft {
  return isStateChange(change) ? { ...change, coalesced: true } : change;
}
