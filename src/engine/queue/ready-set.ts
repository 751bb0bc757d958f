/**
 * The messages of one queue as this process knows them: which are ready and in what order, and
 * when the others become so (http-queue.md section 14). Pure memory; times come in. Every
 * operation costs the logarithm of the queue's length at most.
 *
 * Where this process is the only writer it is complete. Elsewhere it is a hint: the
 * compare-and-swap of the delivery decides.
 *
 * A message of an ordered group takes part only while it is its group's active one; the others are
 * parked. The active one is the oldest, unless a younger one is in a consumer's hands.
 */
import type { MessageFacts } from "./message-codec.ts";
import { SlotHeap } from "./slot-heap.ts";
import { place, Slots } from "./slots.ts";

interface Group {
  readonly name: string;
  /** All members, oldest first. */
  readonly members: SlotHeap;
  /** The one that takes part, or -1. */
  active: number;
}

export interface ReadyCounts {
  /** Deliverable now. */
  readonly ready: number;
  /** Waiting for their time, or for their turn in a group. */
  readonly delayed: number;
  /** In consumers' hands, or about to be. */
  readonly inFlight: number;
}

export class ReadySet {
  readonly #slots = new Slots();
  readonly #ready: SlotHeap;
  readonly #timed: SlotHeap;
  readonly #groups = new Map<string, Group>();
  /** By slot; only slots with a group. */
  readonly #groupOf = new Map<number, Group>();
  #leasedTimed = 0;
  #taken = 0;

  constructor() {
    const slots = this.#slots;
    const index = (): Int32Array => slots.heapIndex;
    this.#ready = new SlotHeap({ before: (a, b) => this.#readyBefore(a, b), index });
    this.#timed = new SlotHeap({ before: (a, b) => dueBefore(slots, a, b), index });
  }

  /** Messages known, in whatever state. */
  get size(): number {
    return this.#slots.count;
  }

  has(id: string): boolean {
    return this.#slots.find(id) !== -1;
  }

  /**
   * True when this process knows better than a look at the store: it is just delivering the
   * message, or has put it aside for a while.
   */
  isSpokenFor(id: string, nowMs: number): boolean {
    const slot = this.#slots.find(id);
    if (slot === -1) return false;
    return this.#slots.at[slot] === place.taken || (this.#slots.held[slot] ?? 0) > nowMs;
  }

  /** What is known of a message now, new or not; `seen` marks it for `forgetUnseen`. */
  set(id: string, facts: MessageFacts, when: { nowMs: number; seen: number }): void {
    const slots = this.#slots;
    const known = slots.find(id);
    const slot = known === -1 ? slots.add(id) : known;
    if (known !== -1) this.#lift(slot);
    slots.due[slot] = facts.dueMs;
    slots.expires[slot] = facts.expiresMs;
    slots.priority[slot] = facts.priority;
    slots.leased[slot] = facts.leased ? 1 : 0;
    slots.exhausted[slot] = facts.exhausted ? 1 : 0;
    slots.held[slot] = 0;
    slots.seen[slot] = when.seen;
    if (facts.group === undefined) this.#enter(slot, when.nowMs);
    else this.#enterGroup(slot, facts.group, when.nowMs);
  }

  remove(id: string, nowMs: number): void {
    const slot = this.#slots.find(id);
    if (slot !== -1) this.#removeSlot(slot, nowMs);
  }

  /** Marks a message as seen without learning anything new; false when it is not known. */
  markSeen(id: string, seen: number): boolean {
    const slot = this.#slots.find(id);
    if (slot === -1) return false;
    this.#slots.seen[slot] = seen;
    return true;
  }

  /**
   * Forgets what the look at the store number `seen` did not find, up to the last id it came to;
   * undefined: it came to the end.
   */
  forgetUnseen(seen: number, upTo: { lastId: string | undefined; nowMs: number }): void {
    const slots = this.#slots;
    for (let slot = 0; slot < slots.end; slot += 1) {
      const where = slots.at[slot];
      if (where === place.free || where === place.taken) continue;
      if ((slots.seen[slot] ?? 0) >= seen) continue;
      if (upTo.lastId !== undefined && slots.idOf(slot) > upTo.lastId) continue;
      this.#removeSlot(slot, upTo.nowMs);
    }
  }

  /** Lets what has become due by `nowMs` be ready. */
  advance(nowMs: number): void {
    const { due } = this.#slots;
    for (let slot = this.#timed.peek(); slot !== -1; slot = this.#timed.peek()) {
      if ((due[slot] ?? 0) > nowMs) return;
      this.#lift(slot);
      const group = this.#groupOf.get(slot);
      if (group === undefined) this.#enter(slot, nowMs);
      else this.#regroup(group, nowMs);
    }
  }

  /** The first ready message, or undefined. */
  peek(): string | undefined {
    const slot = this.#ready.peek();
    return slot === -1 ? undefined : this.#slots.idOf(slot);
  }

  /**
   * The first ready message if it must not be delivered any more (outlived, exhausted): whoever
   * asks takes it away and cleans up.
   */
  takeDoomed(nowMs: number): string | undefined {
    const slot = this.#ready.peek();
    if (slot === -1 || !this.#isDoomed(slot, nowMs)) return undefined;
    return this.#take(slot);
  }

  /** Takes the first ready message: nobody else gets it until it is set, put back or removed. */
  take(): string | undefined {
    const slot = this.#ready.peek();
    return slot === -1 ? undefined : this.#take(slot);
  }

  /** A taken message is a candidate again, from `dueMs` on. */
  putBack(id: string, dueMs: number, nowMs: number): void {
    const slot = this.#slots.find(id);
    if (slot === -1 || this.#slots.at[slot] !== place.taken) return;
    this.#lift(slot);
    this.#slots.due[slot] = Math.max(dueMs, this.#slots.due[slot] ?? 0);
    this.#slots.leased[slot] = 0;
    const group = this.#groupOf.get(slot);
    if (group === undefined) this.#enter(slot, nowMs);
    else this.#regroup(group, nowMs);
  }

  /**
   * A taken message turned out to stand behind another one of its group: that one takes part
   * instead. False when that one is not known here.
   */
  giveWay(id: string, to: string, nowMs: number): boolean {
    const slot = this.#slots.find(id);
    const other = this.#slots.find(to);
    const group = this.#groupOf.get(slot);
    if (slot === -1 || other === -1 || group === undefined) return false;
    if (this.#groupOf.get(other) !== group || this.#slots.at[slot] !== place.taken) return false;
    this.#lift(slot);
    this.#slots.at[slot] = place.parked;
    if (this.#slots.at[other] === place.parked) {
      group.active = other;
      this.#enter(other, nowMs);
    }
    return true;
  }

  /** A taken message is a candidate again from `untilMs` on, and no look brings it back earlier. */
  holdBack(id: string, untilMs: number, nowMs: number): void {
    const slot = this.#slots.find(id);
    if (slot === -1 || this.#slots.at[slot] !== place.taken) return;
    this.#slots.held[slot] = untilMs;
    this.putBack(id, untilMs, nowMs);
  }

  /**
   * A taken message must not hold up its group: it is a candidate of its own from `dueMs` on, until
   * something new is known of it.
   */
  setAside(id: string, dueMs: number, nowMs: number): void {
    const slot = this.#slots.find(id);
    if (slot === -1 || this.#slots.at[slot] !== place.taken) return;
    this.#lift(slot);
    this.#leaveGroup(slot, nowMs);
    this.#slots.due[slot] = dueMs;
    this.#slots.held[slot] = dueMs;
    this.#slots.leased[slot] = 0;
    this.#enter(slot, nowMs);
  }

  /** When the next message becomes due, or the first ready one outlives itself; else undefined. */
  nextChangeMs(): number | undefined {
    const timed = this.#timed.peek();
    const ready = this.#ready.peek();
    const due = timed === -1 ? undefined : this.#slots.due[timed];
    const expires = ready === -1 ? 0 : (this.#slots.expires[ready] ?? 0);
    if (expires === 0) return due;
    return due === undefined ? expires : Math.min(due, expires);
  }

  counts(): ReadyCounts {
    const ready = this.#ready.size;
    const inFlight = this.#leasedTimed + this.#taken;
    return { ready, inFlight, delayed: this.#slots.count - ready - inFlight };
  }

  #take(slot: number): string {
    this.#lift(slot);
    this.#slots.at[slot] = place.taken;
    this.#taken += 1;
    return this.#slots.idOf(slot);
  }

  #isDoomed(slot: number, nowMs: number): boolean {
    const expires = this.#slots.expires[slot] ?? 0;
    return this.#slots.exhausted[slot] === 1 || (expires > 0 && expires <= nowMs);
  }

  /** Out of the heap it is in. */
  #lift(slot: number): void {
    const { at, leased } = this.#slots;
    const where = at[slot];
    if (where === place.ready) this.#ready.remove(slot);
    if (where === place.timed) {
      this.#timed.remove(slot);
      if (leased[slot] === 1) this.#leasedTimed -= 1;
    }
    if (where === place.taken) this.#taken -= 1;
    at[slot] = place.free;
  }

  #enter(slot: number, nowMs: number): void {
    const { at, due, leased } = this.#slots;
    if ((due[slot] ?? 0) <= nowMs) {
      at[slot] = place.ready;
      this.#ready.push(slot);
      return;
    }
    at[slot] = place.timed;
    this.#timed.push(slot);
    if (leased[slot] === 1) this.#leasedTimed += 1;
  }

  #removeSlot(slot: number, nowMs: number): void {
    this.#lift(slot);
    this.#leaveGroup(slot, nowMs);
    this.#slots.remove(slot);
  }

  #leaveGroup(slot: number, nowMs: number): void {
    const group = this.#groupOf.get(slot);
    if (group === undefined) return;
    this.#groupOf.delete(slot);
    group.members.remove(slot);
    if (group.active === slot) group.active = -1;
    this.#regroup(group, nowMs);
  }

  #enterGroup(slot: number, name: string, nowMs: number): void {
    let group = this.#groups.get(name);
    if (group === undefined) {
      const order = {
        before: (a: number, b: number) => this.#slots.idBefore(a, b),
        index: () => this.#slots.groupIndex,
      };
      group = { name, members: new SlotHeap(order), active: -1 };
      this.#groups.set(name, group);
    }
    if (!this.#groupOf.has(slot)) {
      this.#groupOf.set(slot, group);
      group.members.push(slot);
    }
    this.#slots.at[slot] = place.parked;
    this.#regroup(group, nowMs);
  }

  /** Sees to it that the right member of a group takes part, in the place where it belongs. */
  #regroup(group: Group, nowMs: number): void {
    const { at, due, leased } = this.#slots;
    const head = group.members.peek();
    if (head === -1) {
      this.#groups.delete(group.name);
      return;
    }
    const { active } = group;
    const isHeld =
      active !== -1 &&
      (at[active] === place.taken || (leased[active] === 1 && (due[active] ?? 0) > nowMs));
    const next = isHeld ? active : head;
    if (active !== -1 && active !== next) {
      this.#lift(active);
      at[active] = place.parked;
    }
    group.active = next;
    if (at[next] === place.parked || at[next] === place.free) this.#enter(next, nowMs);
  }

  #readyBefore(one: number, other: number): boolean {
    const { priority } = this.#slots;
    const left = priority[one] ?? 0;
    const right = priority[other] ?? 0;
    return left === right ? dueBefore(this.#slots, one, other) : left > right;
  }
}

function dueBefore(slots: Slots, one: number, other: number): boolean {
  const left = slots.due[one] ?? 0;
  const right = slots.due[other] ?? 0;
  return left === right ? slots.idBefore(one, other) : left < right;
}
