/** mutate (http-core.md section 10.7). */
import type { Lockd, MutateCounters } from "../../api/lockd.ts";
import { decodeFields, mutateFields } from "../../api/wire.ts";
import type { Exchange } from "../exchange.ts";
import { leaseOf } from "../lease-headers.ts";
import { mutateBodyBytesMax } from "../limits.ts";
import { collectText } from "../request-body.ts";
import type { Routes } from "../route.ts";
import { sendUpdateResult } from "./state-endpoints.ts";

async function mutate(lockd: Lockd, exchange: Exchange): Promise<void> {
  const lease = leaseOf(exchange);
  const text = await collectText(exchange, mutateBodyBytesMax, "invalid_body");
  // A missing key is the first mistake to tell, before anything about the body.
  const hasKey = (lease.key ?? "").trim() !== "";
  const body = hasKey ? decodeFields(text, mutateFields, "invalid_body") : {};
  const hasNamespace = (lease.namespace ?? "").trim() !== "";
  const result = await lockd.mutate(
    {
      ...lease,
      namespace: hasNamespace ? lease.namespace : body.namespace,
      mutations: body.mutations ?? [],
      ifVersion: exchange.header("x-if-version"),
      ifStateEtag: exchange.header("x-if-state-etag"),
      queryHidden: exchange.header("x-lockd-meta-query-hidden"),
      release: exchange.header("x-lockd-release") === "commit" ? "commit" : undefined,
    },
    exchange,
  );
  sendUpdateResult(exchange, result, counterHeaders(result.counters));
}

function counterHeaders(counters: MutateCounters): string[] {
  const named: readonly [string, number][] = [
    ["Candidates-Seen", counters.candidatesSeen],
    ["Candidates-Written", counters.candidatesWritten],
    ["Bytes-Read", counters.bytesRead],
    ["Bytes-Written", counters.bytesWritten],
    ["Bytes-Captured", counters.bytesCaptured],
    ["Spill-Count", counters.spillCount],
    ["Spill-Bytes", counters.spillBytes],
  ];
  return named.flatMap(([name, value]) => [`X-Lockd-Mutate-${name}`, String(value)]);
}

export const mutateRoutes: Routes = { "/v1/mutate": { operation: "mutate", run: mutate } };
