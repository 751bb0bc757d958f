/**
 * What a simulated store really holds. Durable objects survive everything; un-synced ones (only an
 * exclusive store on a disk has them) vanish when the node dies, each name from some write on.
 */
import {
  type ChangePage,
  changesPrefix,
  type NamedObject,
  type Step,
  type StoredObject,
  type VersionTag,
} from "../../src/engine/ports/store.ts";
import type { Rng } from "./rng.ts";

interface PendingWrite {
  readonly name: string;
  readonly object: StoredObject | undefined;
}

export type StepOutcome =
  | { readonly kind: "done"; readonly tag: VersionTag | undefined }
  | { readonly kind: "conflict" };

export class StoreTruth {
  readonly durable = new Map<string, StoredObject>();
  readonly streams = new Map<string, Uint8Array>();
  #pending: PendingWrite[] = [];
  #sequence = 0;
  /** Newest write that is durable. */
  #landed = 0;

  /** Puts one step into the volatile cache if its precondition holds there. */
  stage(step: Step): StepOutcome {
    const current = this.#latest(step.name);
    const { when } = step;
    if (when.kind === "absent" && current !== undefined) return { kind: "conflict" };
    if (when.kind === "tag" && current?.tag !== when.tag) return { kind: "conflict" };
    if (step.kind === "delete") {
      this.#pending.push({ name: step.name, object: undefined });
      return { kind: "done", tag: undefined };
    }
    this.#sequence += 1;
    const tag = `v${this.#sequence}` as VersionTag;
    this.#pending.push({ name: step.name, object: { bytes: step.bytes, tag } });
    return { kind: "done", tag };
  }

  /** Makes everything staged so far durable. */
  sync(): void {
    for (const { name, object } of this.#pending) this.#land(name, object);
    this.#pending = [];
  }

  /** The power goes: of each name a prefix of un-synced writes survives. True if one was lost. */
  loseUnsynced(rng: Rng): boolean {
    const dropped = new Set<string>();
    let lost = false;
    for (const { name, object } of this.#pending) {
      if (!dropped.has(name) && rng.chance(0.4)) this.#land(name, object);
      else {
        dropped.add(name);
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

  #latest(name: string): StoredObject | undefined {
    for (let i = this.#pending.length - 1; i >= 0; i -= 1) {
      const write = this.#pending[i];
      if (write?.name === name) return write.object;
    }
    return this.durable.get(name);
  }

  #land(name: string, object: StoredObject | undefined): void {
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
