/**
 * Forgets dedupe keys whose window has been over for a while, behind the enqueues that enter new
 * ones. Left to the idle sweep alone, a store that is never idle, or that no server looks after,
 * would keep a record of every message for ever.
 *
 * Their names are hashes, so no order tells which are over. Each key that is entered pays for a
 * look at two others, round and round: then there are never many more records than twice those
 * that are still needed.
 */
import {
  expiredKeysPerPlanMax,
  keysLookedAtFirst,
  keysLookedAtPerEntry,
  keysPerLook,
} from "../limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { NamedObject, ObjectPage, Step, Store } from "../ports/store.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import { callStore, unlessDamaged } from "../store-failure.ts";
import { type DedupeRecord, decodeLink, dedupeName, isForgettable } from "./link-records.ts";
import { dedupePrefix, type QueueId } from "./message.ts";

interface ExpiredKeysPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

export class ExpiredKeys {
  readonly #ports: ExpiredKeysPorts;
  /** Records to look at before the account is even. */
  #owed = 0;
  /** Where the next look begins; undefined at the beginning of all. */
  #cursor: string | undefined;
  #hasLooked = false;
  #looking: Promise<void> | undefined;
  #isStopped = false;

  constructor(ports: ExpiredKeysPorts) {
    this.#ports = ports;
  }

  /** A key has been entered; nobody waits for what this begins now and then. */
  entered(target: QueueId): void {
    this.#owed += keysLookedAtPerEntry;
    if (!this.#hasLooked) {
      // A process that enters one key and ends looks too, each time at others.
      this.#owed = Math.max(this.#owed, keysLookedAtFirst);
      this.#cursor = dedupeName(target, this.#ports.random.uuid());
    } else if (this.#owed < keysPerLook) return;
    if (this.#looking !== undefined || this.#isStopped) return;
    this.#hasLooked = true;
    this.#looking = this.#look()
      .catch((error: unknown) => {
        // Paid by the next entries, not by each of them while the store is unwell.
        this.#owed = 0;
        const fields = { error: String(error) };
        this.#ports.telemetry.warn("queue.dispatcher.core", "queue.dedupe_keys.failed", fields);
      })
      .finally(() => {
        this.#looking = undefined;
      });
  }

  /** Begins no other page, and resolves when what was found on the last one is deleted. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (this.#owed > 0 && !this.#isStopped) {
      const isFromStart = this.#cursor === undefined;
      const page = await this.#nextPage(Math.min(this.#owed, keysPerLook));
      await this.#delete(this.#expiredOf(page));
      // All there are in one page: there is nothing else to look at.
      this.#owed = isFromStart && !page.more ? 0 : this.#owed - page.objects.length;
      this.#cursor = page.more ? page.objects.at(-1)?.name : undefined;
    }
  }

  /** Goes on at the beginning where the end is reached. */
  async #nextPage(limit: number): Promise<ObjectPage> {
    const page = await this.#scan(this.#cursor, limit);
    const left = limit - page.objects.length;
    if (page.more || left === 0 || this.#cursor === undefined) return page;
    const begin = await this.#scan(undefined, left);
    return { objects: [...page.objects, ...begin.objects], more: begin.more };
  }

  #scan(after: string | undefined, limit: number): Promise<ObjectPage> {
    return callStore(() => this.#ports.store.scan(dedupePrefix, { after, limit }));
  }

  #expiredOf({ objects }: ObjectPage): readonly NamedObject[] {
    const nowMs = this.#ports.clock.wallMs();
    return objects.filter(({ name, bytes }) => {
      // Of a damaged one the idle sweep tells.
      const read = unlessDamaged(() => decodeLink<DedupeRecord>(name, bytes));
      return "value" in read && isForgettable(read.value, nowMs);
    });
  }

  /** A key that was entered anew meanwhile keeps the others of its plan for the next round. */
  async #delete(expired: readonly NamedObject[]): Promise<void> {
    const { store } = this.#ports;
    const count = store.capabilities.atomicPlan ? expiredKeysPerPlanMax : 1;
    for (let at = 0; at < expired.length; at += count) {
      const steps = expired
        .slice(at, at + count)
        .map(({ name, tag }): Step => ({ kind: "delete", name, when: { kind: "tag", tag } }));
      await callStore(() => store.apply(steps));
    }
  }
}
