import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Telemetry } from "../../engine/ports/telemetry.ts";
import { headersTimeoutMs } from "../limits.ts";
import { type ListenerAddress, listen } from "../listener.ts";
import { addEngineMetrics } from "./engine-metrics.ts";
import type { LockdMetrics } from "./lockd-metrics.ts";
import { addLooks, type LookedAt } from "./looked-at.ts";

export interface MetricsOptions extends LookedAt {
  readonly metrics: LockdMetrics;
  readonly listener: ListenerAddress;
  readonly telemetry: Telemetry;
  /** Whether requests are taken: not before the server listens, and not while it drains. */
  readonly ready: () => boolean;
}

export interface RunningMetrics {
  readonly endpoint: string;
  /** Idempotent. */
  stop(): Promise<void>;
}

/**
 * Serves `/metrics` and, for orchestrators without certificates, `/healthz` and `/readyz` (503
 * until the server listens and while it drains). Plain and without authentication: bind it to a
 * private address.
 * @throws listen_failed
 */
export async function startMetrics(options: MetricsOptions): Promise<RunningMetrics> {
  const { metrics, telemetry, ready } = options;
  addEngineMetrics(metrics.registry, options.lockd.meter);
  addLooks(metrics, options);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    request.resume();
    const path = (request.url ?? "/").split("?")[0];
    if (path === "/healthz") response.writeHead(200).end();
    else if (path === "/readyz") response.writeHead(ready() ? 200 : 503).end();
    else if (path !== "/metrics") response.writeHead(404).end();
    else {
      const wantsOpen = request.headers.accept?.includes("application/openmetrics-text") === true;
      const { type, body } = await metrics.text(wantsOpen);
      response.writeHead(200, { "Content-Type": type }).end(body);
    }
  };
  const server = createServer({ headersTimeout: headersTimeoutMs }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      telemetry.warn("observability.telemetry.exporter", "metrics.scrape.failed", {
        error: String(error),
      });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  const endpoint = await listen(server, options.listener);
  telemetry.info("observability.telemetry.exporter", "metrics.listening", { address: endpoint });
  return {
    endpoint,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
