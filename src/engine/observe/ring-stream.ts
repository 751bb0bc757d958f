/**
 * A stream of changes where this process is the only writer: whatever happens passes through the
 * ring. The race it wins: a commit between a look at the store and the ring. The place in the ring
 * is taken before the look, so what the look does not see yet comes from there, perhaps twice.
 */
import type { ChangeEvent } from "../../api/observation.ts";
import { toldKeysMax } from "../limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import { recordName } from "../record/key-record.ts";
import { type ChangeFilter, type FollowedKeys, followedKeys, matches } from "./change-filter.ts";
import type { ChangeRing } from "./change-ring.ts";
import { isStateChange, placeOf, seenKey, stateChange, unseenKey } from "./record-changes.ts";
import { walkRecords } from "./record-walk.ts";

/** The id of events told by a look: there is no place in the ring to go on from. */
export const lookEventId = "look";

export interface StreamParts {
  readonly ring: ChangeRing;
  readonly store: Store;
  readonly clock: Clock;
  readonly filter: ChangeFilter;
  /** True once the stream is to end. */
  readonly ended: () => boolean;
}

export class RingStream {
  readonly #parts: StreamParts;
  readonly #keys: FollowedKeys | undefined;
  /** Versions that were told, by record name. */
  readonly #told = new Map<string, number>();
  #position: number;

  /** Takes its place in the ring at once: nothing that happens from now on is missed. */
  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#keys = followedKeys(parts.filter);
    this.#position = parts.ring.head;
  }

  async *events(): AsyncGenerator<ChangeEvent> {
    const { ring, filter, ended } = this.#parts;
    const { after, fromVersion } = filter;
    const resumed = after === undefined ? undefined : ring.positionAfter(after);
    if (resumed !== undefined) this.#position = resumed;
    else if (after !== undefined && after !== lookEventId) yield this.#missed(undefined);
    const looks = resumed === undefined && (after ?? fromVersion) !== undefined;
    if (looks) yield* this.#look();
    yield this.#ready();
    while (!ended()) {
      const passed = ring.tail - this.#position;
      if (passed > 0) {
        this.#position = ring.tail;
        yield this.#missed(passed);
        yield* this.#look();
        yield this.#ready();
      } else if (this.#position === ring.head) {
        await ring.next();
      } else {
        const event = this.#take();
        if (event !== undefined) yield event;
      }
    }
  }

  #take(): ChangeEvent | undefined {
    const { ring, filter } = this.#parts;
    const position = this.#position;
    const change = ring.at(position);
    this.#position += 1;
    if (change === undefined || !matches(filter, change)) return undefined;
    if (isStateChange(change) && !this.#tells(change.namespace, change.key, change.version)) {
      return undefined;
    }
    return ring.event(position, change);
  }

  /** Tells every state that may not have been told. The place in the ring stays as it is. */
  async *#look(): AsyncGenerator<ChangeEvent> {
    const { store, clock, filter, ended } = this.#parts;
    if (this.#keys === undefined) return;
    for await (const page of walkRecords({ store, clock }, this.#keys)) {
      for (const { name, record } of page) {
        if (ended()) return;
        if (record.version <= (filter.fromVersion ?? 0)) continue;
        const place = placeOf(name, clock.wallMs());
        if (!this.#tells(place.namespace, place.key, record.version)) continue;
        const change = stateChange(place, unseenKey, seenKey(record));
        yield { id: lookEventId, ...change, coalesced: true };
      }
    }
  }

  /** False when this version or a newer one was told; remembers it otherwise. */
  #tells(namespace = "", key = "", version = 0): boolean {
    if (this.#keys === undefined) return true;
    const name = recordName(namespace, key);
    const told = this.#told.get(name);
    if (told !== undefined && told >= version) return false;
    if (told !== undefined || this.#told.size < toldKeysMax) this.#told.set(name, version);
    return true;
  }

  #ready(): ChangeEvent {
    const { ring, clock } = this.#parts;
    return { id: ring.idBefore(this.#position), kind: "ready", atUnixMs: clock.wallMs() };
  }

  #missed(missed: number | undefined): ChangeEvent {
    const { ring, clock } = this.#parts;
    // A stream of states is not done before its look is.
    const id = this.#keys === undefined ? ring.idBefore(this.#position) : lookEventId;
    return { id, kind: "missed", atUnixMs: clock.wallMs(), missed };
  }
}
