/**
 * The contract's cases (http-core.md section 14) that speak about behaviour: one suite for every
 * carrier and store. Each case works on keys of its own, so they run side by side.
 */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LockdError } from "../../src/api/errors.ts";
import type { AcquireRequest, AcquireResult, LeaseAddress, Lockd } from "../../src/api/lockd.ts";

export interface OpenedLockd {
  readonly lockd: Lockd;
  readonly close: () => Promise<void>;
}

export const longAgo = "0000000000000000000g";

export function addressOf(lease: AcquireResult): LeaseAddress & { key: string } {
  const { namespace, key, leaseId, txnId, fencingToken } = lease;
  return { namespace, key, leaseId, txnId, fencingToken };
}

export function json(value: unknown): Uint8Array {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export async function bytesOf(body: AsyncIterable<Uint8Array> | Uint8Array): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

export function freshKey(name = "k"): string {
  return `${name}/${randomBytes(6).toString("hex")}`;
}

/** The code a call is refused with; "" when it is not. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "";
  } catch (error) {
    return error instanceof LockdError ? error.code : String(error);
  }
}

export class Story {
  lockd!: Lockd;

  acquire(request: AcquireRequest = {}): Promise<AcquireResult> {
    return this.lockd.acquire({
      key: freshKey(),
      owner: "w",
      ttlSeconds: 30,
      blockSeconds: -1,
      ...request,
    });
  }

  /** Commits a state under a lease of its own. */
  async commit(key: string, value: unknown): Promise<void> {
    const lease = addressOf(await this.acquire({ key }));
    await this.lockd.update(lease, json(value));
    await this.lockd.release(lease);
  }

  async publicText(key: string): Promise<string | undefined> {
    const state = await this.lockd.get({ key, public: true });
    return state.exists ? (await bytesOf(state.body)).toString() : undefined;
  }

  async leasedText(lease: LeaseAddress): Promise<string | undefined> {
    const state = await this.lockd.get(lease);
    return state.exists ? (await bytesOf(state.body)).toString() : undefined;
  }
}

type Cases = (story: Story) => void;

/** Runs groups of cases against one opened carrier. */
export function describeLockd(
  name: string,
  open: () => Promise<OpenedLockd>,
  groups: readonly Cases[],
): void {
  describe.concurrent(name, () => {
    const story = new Story();
    let opened: OpenedLockd | undefined;
    beforeAll(async () => {
      opened = await open();
      story.lockd = opened.lockd;
    });
    afterAll(async () => {
      await opened?.close();
    });
    for (const cases of groups) cases(story);
  });
}

export { describe, expect, test };
