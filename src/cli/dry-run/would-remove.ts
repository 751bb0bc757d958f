/** What removals under a lease would do; the lease is checked as the removal would check it. */
import type { AttachmentInfo, AttachmentSelector } from "../../api/attachments.ts";
import { failure } from "../../api/errors.ts";
import type { CasConditions, LeaseAddress, Lockd, LockdCall } from "../../api/lockd.ts";

export interface WouldRemove {
  readonly removed: boolean;
  /** Version of the state that would go. */
  readonly version: number;
  readonly bytes: number;
}

/** @throws lease errors, version_conflict, etag_mismatch */
export async function wouldRemove(
  lockd: Lockd,
  { ifVersion, ifStateEtag, ...lease }: LeaseAddress & CasConditions,
  call: LockdCall,
): Promise<WouldRemove> {
  const { exists, version, etag, size, body } = await lockd.get(lease, call);
  if (!(body instanceof Uint8Array)) await body.close();
  if (ifVersion !== undefined && Number(ifVersion) !== version) {
    throw failure("version_conflict", `the state has version ${version}, not ${ifVersion}`);
  }
  if (ifStateEtag !== undefined && ifStateEtag !== etag) {
    throw failure("etag_mismatch", `the state has another etag: ${etag}`);
  }
  return { removed: exists, version, bytes: size };
}

export function wouldRemoveText({ removed, version, bytes }: WouldRemove): string {
  return removed
    ? `would be removed: the state of version ${version}, ${bytes} bytes\n`
    : "there is no state: nothing would be removed\n";
}

/** All of the key's attachments, or the one that is named. @throws lease errors */
export async function wouldDelete(
  lockd: Lockd,
  lease: LeaseAddress,
  ...[selector, call]: [AttachmentSelector, LockdCall]
): Promise<readonly AttachmentInfo[]> {
  const { attachments } = await lockd.attachments.list(lease, call);
  const { name, id } = selector;
  return attachments.filter(
    (one) => (name === undefined || one.name === name) && (id === undefined || one.id === id),
  );
}
