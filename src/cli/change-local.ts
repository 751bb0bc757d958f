import type { CasConditions, LeaseAddress, Lockd, LockdCall, UpdateResult } from "../api/lockd.ts";
import { openLocalFile, withAbsoluteFiles } from "../client/local-files.ts";
import { mutateLocal } from "../client/mutate-local.ts";
import type { Mutation } from "../lql/mutation/mutation.ts";

/**
 * get, apply, update, streamed through this process. Paths of files start at the working directory.
 * Conditions: the given ones; else, with `fetchedCas`, the version and etag that were read.
 */
export async function changeLocal(
  lockd: Lockd,
  parts: {
    readonly lease: LeaseAddress;
    readonly mutations: readonly Mutation[];
    readonly cas: CasConditions;
    readonly fetchedCas: boolean;
  },
  call: LockdCall,
): Promise<UpdateResult> {
  const { lease, cas, fetchedCas } = parts;
  const local = {
    lease,
    mutations: withAbsoluteFiles(parts.mutations, process.cwd()),
    openFile: openLocalFile,
    conditions: ({ version, etag }: { readonly version: number; readonly etag: string }) => ({
      ifVersion: cas.ifVersion ?? (fetchedCas ? version || undefined : undefined),
      ifStateEtag: cas.ifStateEtag ?? (fetchedCas ? etag || undefined : undefined),
    }),
  };
  return await mutateLocal(lockd, local, call);
}
