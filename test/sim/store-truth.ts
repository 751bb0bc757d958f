/**
 * What a simulated store really holds. Durable objects survive everything; un-synced ones (only an
 * exclusive store on a disk has them) vanish when the node dies, each name from some write on.
 */
import {
  type ChangePage,
  changesPrefix,
  type NamedObject,
  type Plan,
  type Step,
  type StoredObject,
  type VersionTag,
} from "../../src/engine/ports/store.ts";
import type { Rng } from "./rng.ts";

interface PendingWrite {
  /** Which plan it is a step of. */
  readonly plan: number;
  readonly atomic: boolean;
  readonly name: string;
  readonly object: StoredObject | undefined;
}

export type StepOutcome =
  | { readonly kind: "done"; readonly tag: VersionTag | undefined }
  | { readonly kind: "conflict" };

export class StoreTruth {
  readonly durable = new Map<string, StoredObject>();
  readonly streams = new Map<string, Uint8Array>();
  /** Told of every object just before it lands; `object` is undefined when it is deleted. */
  onLanding: ((name: string, object: StoredObject | undefined) => void) | undefined;
  #pending: PendingWrite[] = [];
  #sequence = 0;
  /** Newest write that is durable. */
  #landed = 0;
  #plan = 0;
  #atomic = false;

  /** The steps that follow belong to one plan. */
  beginPlan(atomic: boolean): void {
    this.#plan += 1;
    this.#atomic = atomic;
  }

  /** Index of the first step whose precondition does not hold after those before it, or -1. */
  firstFailing(plan: Plan): number {
    const changed = new Map<string, VersionTag | undefined>();
    return plan.findIndex(({ kind, name, when }) => {
      const tag = changed.has(name) ? changed.get(name) : this.#latest(name)?.tag;
      changed.set(name, kind === "put" ? ("?" as VersionTag) : undefined);
      if (when.kind === "any") return false;
      return when.kind === "absent" ? tag !== undefined : tag !== when.tag;
    });
  }

  /** Puts one step into the volatile cache if its precondition holds there. */
  stage(step: Step): StepOutcome {
    const current = this.#latest(step.name);
    const { when } = step;
    if (when.kind === "absent" && current !== undefined) return { kind: "conflict" };
    if (when.kind === "tag" && current?.tag !== when.tag) return { kind: "conflict" };
    if (step.kind === "delete") {
      this.#push(step.name, undefined);
      return { kind: "done", tag: undefined };
    }
    this.#sequence += 1;
    const tag = `v${this.#sequence}` as VersionTag;
    this.#push(step.name, { bytes: step.bytes, tag });
    return { kind: "done", tag };
  }

  /** Makes everything staged so far durable. */
  sync(): void {
    for (const { name, object } of this.#pending) this.#land(name, object);
    this.#pending = [];
  }

  /**
   * The power goes: of each name a prefix of un-synced writes survives, of each plan a prefix of
   * its steps, of an atomic one all or nothing. True if one was lost.
   */
  loseUnsynced(rng: Rng): boolean {
    const dropped = new Set<string | number>();
    const kept = new Set<number>();
    let lost = false;
    for (const { name, object, plan, atomic } of this.#pending) {
      const isKept = atomic && kept.has(plan);
      const isDropped = dropped.has(name) || dropped.has(plan);
      if (isKept || (!isDropped && rng.chance(0.4))) {
        kept.add(plan);
        this.#land(name, object);
      } else {
        dropped.add(name).add(plan);
        lost = true;
      }
    }
    this.#pending = [];
    return lost;
  }

  /** Durable objects in the order of their names (those of the simulator are ASCII). */
  objects(prefix: string): readonly NamedObject[] {
    return [...this.durable]
      .filter(([name]) => name.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, object]) => ({ name, ...object }));
  }

  streamNames(prefix: string): readonly string[] {
    return [...this.streams.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  /** Writes land in the order of their tags, so that order is also the order of changes. */
  changesSince(cursor: string | undefined, limit: number): ChangePage {
    const since = Number(cursor ?? 0);
    const newer = this.objects(changesPrefix)
      .filter(({ tag }) => orderOf(tag) > since)
      .sort((one, other) => orderOf(one.tag) - orderOf(other.tag));
    const objects = newer.slice(0, limit);
    const end = objects.at(-1);
    const more = newer.length > limit;
    const last = more && end !== undefined ? orderOf(end.tag) : this.#landed;
    return { objects, more, cursor: String(last) };
  }

  #push(name: string, object: StoredObject | undefined): void {
    this.#pending.push({ name, object, plan: this.#plan, atomic: this.#atomic });
  }

  #latest(name: string): StoredObject | undefined {
    for (let i = this.#pending.length - 1; i >= 0; i -= 1) {
      const write = this.#pending[i];
      if (write?.name === name) return write.object;
    }
    return this.durable.get(name);
  }

  #land(name: string, object: StoredObject | undefined): void {
    this.onLanding?.(name, object);
    if (object === undefined) this.durable.delete(name);
    else {
      this.durable.set(name, object);
      this.#landed = Math.max(this.#landed, orderOf(object.tag));
    }
  }
}

function orderOf(tag: VersionTag): number {
  return Number(tag.slice(1));
}
