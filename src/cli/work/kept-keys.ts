/**
 * Keeps the keys that a command acquired in its message's transaction for as long as it runs, and
 * tells before a commit whether all of them are still held. The store itself guards what was
 * changed under a lease that lapsed; what was only read, and decided upon, is guarded here.
 */
import { readFile, rm } from "node:fs/promises";
import { failure, LockdError } from "../../api/errors.ts";
import type { Lockd } from "../../api/lockd.ts";
import type { LeaseClock } from "../run/lease-clock.ts";
import { saysLost } from "../run/lease-set.ts";
import { type KeptKey, keptKeysOf } from "./kept-key.ts";

/** Milliseconds between two looks for new keys, and for those whose lease is due. */
const lookMs = 500;

/** A lease is renewed after this part of its time. */
const renewShare = 1 / 3;

/** Milliseconds. Longest renewal, and the pause after one that failed. */
const renewMsMax = 5_000;
const retryMs = 1_000;

export interface KeptKeysParts {
  readonly lockd: Pick<Lockd, "keepAlive">;
  readonly clock: LeaseClock;
  readonly txnId: string;
  /** Where the commands tell what they acquired. */
  readonly file: string;
}

interface Held {
  readonly key: KeptKey;
  /** When it is renewed next. */
  dueAt: number;
}

/** Modes: idle, keeping from `start` to `stop`; `keys` and `assertHeld` are for afterwards. */
export class KeptKeys {
  readonly #parts: KeptKeysParts;
  readonly #held = new Map<string, Held>();
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> = Promise.resolve();
  #lost: LockdError | undefined;

  constructor(parts: KeptKeysParts) {
    this.#parts = parts;
  }

  /** All keys that were told of so far. */
  get keys(): readonly KeptKey[] {
    return [...this.#held.values()].map(({ key }) => key);
  }

  /** `onLost` is told once, when a key is gone that the command believes to hold. */
  start(onLost: (error: LockdError) => void): void {
    let isBusy = false;
    this.#timer = setInterval(() => {
      if (isBusy || this.#lost !== undefined) return;
      isBusy = true;
      this.#pass = this.#look().finally(() => {
        isBusy = false;
        if (this.#lost !== undefined) onLost(this.#lost);
      });
    }, lookMs);
  }

  /** Resolves when no renewal is under way any more, all keys are known, and the file is gone. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pass;
    await this.#read();
    await rm(this.#parts.file, { force: true });
  }

  /** Renews every key, whenever it was renewed last. @throws why one cannot be relied on */
  async assertHeld(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    await Promise.all([...this.#held.values()].map((held) => this.#renew(held)));
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    await this.#read();
    const now = this.#parts.clock.nowMs();
    const due = [...this.#held.values()].filter(({ dueAt }) => dueAt <= now);
    await Promise.all(
      due.map(async (held) => {
        try {
          await this.#renew(held);
        } catch (error) {
          held.dueAt = this.#parts.clock.nowMs() + retryMs;
          if (error instanceof LockdError && saysLost(error)) this.#lost ??= error;
        }
      }),
    );
  }

  async #read(): Promise<void> {
    const { file, txnId, clock } = this.#parts;
    // No file, no keys: it is there from the first acquire on.
    const text = await readFile(file, "utf8").catch(() => "");
    for (const key of keptKeysOf(text, txnId)) {
      if (this.#held.has(key.leaseId)) continue;
      // It was acquired since the last look.
      const dueAt = clock.nowMs() - lookMs + key.ttlSeconds * 1000 * renewShare;
      this.#held.set(key.leaseId, { key, dueAt });
    }
  }

  /** @throws what keepAlive throws, naming the key when it is gone */
  async #renew(held: Held): Promise<void> {
    const { lockd, clock } = this.#parts;
    const { key } = held;
    const sentAt = clock.nowMs();
    const ttlMs = key.ttlSeconds * 1000;
    const signal = AbortSignal.timeout(Math.ceil(Math.min(renewMsMax, ttlMs * renewShare)));
    try {
      await lockd.keepAlive(key, { signal });
    } catch (error) {
      if (!(error instanceof LockdError) || !saysLost(error)) throw error;
      const text = `the lease of ${key.key}, acquired in the transaction, is gone`;
      throw failure("lease_expired", text, { cause: error });
    }
    held.dueAt = sentAt + ttlMs * renewShare;
  }
}
