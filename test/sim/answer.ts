/** What calls of the simulated clients share, and their answers in the words the checkers need. */
import { createHash } from "node:crypto";
import type { BodyOut, LeaseAddress } from "../../src/api/lockd.ts";
import type { Files } from "./files.ts";

/** A lease as its holder knows it. */
export interface LeaseRef extends LeaseAddress {
  readonly key: string;
  readonly leaseId: string;
  readonly txnId: string;
  readonly fencingToken: number;
}

/** Of an answer, what can be checked; absent fields are not part of that verb's answer. */
export interface Answer {
  readonly token?: number;
  readonly version?: number;
  readonly etag?: string;
  readonly expiresAtUnix?: number;
  readonly removed?: boolean;
  readonly exists?: boolean;
  readonly held?: boolean;
  readonly waiters?: number;
  readonly lease?: LeaseRef;
  readonly noop?: boolean;
  readonly deleted?: number;
  readonly files?: Files;
  /** SHA-256 of one attachment; "" for none. */
  readonly file?: string;
}

export async function wholeBody(body: BodyOut): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
