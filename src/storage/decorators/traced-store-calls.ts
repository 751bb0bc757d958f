import type { Tracing } from "../../engine/ports/tracing.ts";
import type { AroundStoreCall } from "./observed-store.ts";

/**
 * A span for each call of the store that some other span asked for. What nobody asked for (sweeps,
 * publications of the index) would be traces of their own, and many.
 */
export function tracedStoreCalls(tracing: Tracing): AroundStoreCall {
  return ({ verb, name }, run) => {
    const above = tracing.active();
    if (above === undefined) return run();
    const attributes = {
      "lockd.sys": "storage.backend.core",
      "lockd.storage.operation": verb,
      "lockd.storage.namespace": namespaceOf(name),
      "lockd.correlation_id": above.correlationId ?? "",
    };
    const start = { name: `lockd.storage.${verb}`, kind: "internal", attributes } as const;
    return tracing.within(start, async (span) => {
      span.event("lockd.storage.begin");
      try {
        return await run();
      } finally {
        span.event("lockd.storage.end");
      }
    });
  };
}

/** Objects are named `<kind>/<namespace>/...`; those of transactions (`t/<id>`) belong to none. */
function namespaceOf(name: string): string {
  const [, namespace = "", rest] = name.split("/", 3);
  return rest === undefined ? "" : namespace;
}
