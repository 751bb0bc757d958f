import type { RequestObserver } from "../observe/request-observer.ts";
import type { LockdMetrics } from "./lockd-metrics.ts";

/** Counts requests by their operation, of which there are as many as routes. */
export function meteredRequests(metrics: LockdMetrics): RequestObserver {
  const inflight = metrics.gauge("lockd.http.inflight");
  return {
    async request({ operation, status }, run) {
      const from = performance.now();
      inflight.inc();
      await run();
      inflight.dec();
      const labels = { lockd_operation: operation };
      metrics.observe("lockd.http.duration_ms", performance.now() - from, labels);
      const counted = { ...labels, lockd_http_status: String(status()) };
      metrics.count("lockd.http.requests", 1, counted);
    },
    operation: (_request, run) => run(),
  };
}
