import { LockdError } from "../../api/errors.ts";
import type { LeaseAddress, Lockd } from "../../api/lockd.ts";
import type { LeaseJudge } from "./lease-judge.ts";
import type { LeaseTiming } from "./lease-timing.ts";
import type { Renewal } from "./supervise.ts";

const lostCodes = new Set(["lease_required", "lease_expired", "fencing_mismatch", "txn_mismatch"]);

export interface RenewedLease {
  readonly lockd: Pick<Lockd, "keepAlive">;
  readonly address: LeaseAddress;
  readonly timing: LeaseTiming;
  readonly judge: Pick<LeaseJudge, "holdAfter">;
}

/** Renewals of a key's lease. */
export function leaseRenewal({ lockd, address, timing, judge }: RenewedLease): Renewal {
  return {
    renew: async ({ sentAt, signal }) => {
      const request = { ...address, ttlSeconds: timing.ttlSeconds };
      const { expiresAtUnix } = await lockd.keepAlive(request, { signal });
      return await judge.holdAfter(timing, { sentAt, expiresAtUnix });
    },
    isLost: (error) => error instanceof LockdError && lostCodes.has(error.code),
  };
}
