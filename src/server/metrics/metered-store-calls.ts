import type { ApplyResult } from "../../engine/ports/store.ts";
import type { LockdMetrics } from "./lockd-metrics.ts";

/** Counts and times calls of the store by verb; a plan also by what became of it. */
export function meteredStoreCalls(metrics: LockdMetrics) {
  return async <T>({ verb }: { readonly verb: string }, run: () => Promise<T>): Promise<T> => {
    const operation = { lockd_storage_operation: verb };
    const from = performance.now();
    let result = "error";
    try {
      const answer = await run();
      result = verb === "apply" ? (answer as ApplyResult).kind : "success";
      if (result === "applied") result = "success";
      return answer;
    } finally {
      metrics.observe("lockd.storage.duration_ms", performance.now() - from, operation);
      const labels = { ...operation, lockd_storage_result: result };
      metrics.count("lockd.storage.operations", 1, labels);
    }
  };
}
