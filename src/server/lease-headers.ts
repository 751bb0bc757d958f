import type { LeaseAddress } from "../api/lockd.ts";
import type { Exchange } from "./exchange.ts";

/** Key and lease of a request that has them in its query and headers (http-core.md 3.3). */
export function leaseOf(exchange: Exchange): LeaseAddress {
  return {
    namespace: exchange.query.get("namespace"),
    key: exchange.query.get("key"),
    leaseId: exchange.header("x-lease-id"),
    txnId: exchange.header("x-txn-id"),
    fencingToken: exchange.header("x-fencing-token"),
  };
}
