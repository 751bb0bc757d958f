/** Flags of the attachment commands, and what they come to. */
import type { AttachmentSelector } from "../api/attachments.ts";
import type { LeaseAddress } from "../api/lockd.ts";
import { firstGiven, keyInput, leaseInput, readsWithout } from "./lease-input.ts";
import { Flags } from "./oclif.ts";
import { UsageError } from "./usage-error.ts";

export const publicFlag = {
  public: Flags.boolean({ description: "what is committed, without a lease" }),
} as const;

export const selectorFlags = {
  name: Flags.string({ description: "name of the attachment" }),
  id: Flags.string({ description: "id of the attachment" }),
} as const;

type ReadFlags = Parameters<typeof leaseInput>[0] & { readonly public?: boolean | undefined };

/** The committed view, or the holder's. */
export function readInput(
  flags: ReadFlags,
  argument: string | undefined,
  env: NodeJS.ProcessEnv,
): LeaseAddress & { public?: boolean } {
  if (flags.public === true) return { ...keyInput(flags, argument, env), public: true };
  return leaseInput(flags, argument, { env, txn: "required", without: readsWithout });
}

/** @throws UsageError when neither is given */
export function selectorInput(flags: {
  readonly name?: string | undefined;
  readonly id?: string | undefined;
}): AttachmentSelector {
  const name = firstGiven(flags.name);
  const id = firstGiven(flags.id);
  if (name === undefined && id === undefined) {
    throw new UsageError("--name or --id is required: which attachment?");
  }
  return { name, id };
}
