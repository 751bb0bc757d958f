import { AssertionError } from "node:assert";
import type { IncomingMessage, ServerResponse } from "node:http";
import { failure, type LockdError } from "../api/errors.ts";
import type { ServedLockd } from "../api/lockd.ts";
import { acceptedCorrelationId } from "../api/names.ts";
import type { Random } from "../engine/ports/random.ts";
import type { Telemetry } from "../engine/ports/telemetry.ts";
import { attachmentRoutes } from "./endpoints/attachment-endpoints.ts";
import { leaseRoutes } from "./endpoints/lease-endpoints.ts";
import { mutateRoutes } from "./endpoints/mutate-endpoint.ts";
import { namespaceRoutes } from "./endpoints/namespace-endpoints.ts";
import { observationRoutes } from "./endpoints/observation-endpoints.ts";
import { queryRoutes } from "./endpoints/query-endpoints.ts";
import { queueRoutes } from "./endpoints/queue-endpoints.ts";
import { deadLetterRoutes } from "./endpoints/queue-extensions.ts";
import { stateRoutes } from "./endpoints/state-endpoints.ts";
import { txnRoutes } from "./endpoints/txn-endpoints.ts";
import { isExpected, sendError } from "./error-answer.ts";
import { ClientGone, Exchange } from "./exchange.ts";
import type { ObservedRequest, RequestObserver } from "./observe/request-observer.ts";
import { discardBody } from "./request-chunks.ts";
import type { Route } from "./route.ts";
import { StreamBroken } from "./stream-broken.ts";

const health: Route = {
  operation: "health",
  run: async (_lockd, exchange) => {
    exchange.request.resume();
    exchange.empty(200);
  },
};

const routes = new Map<string, Route>(
  Object.entries({
    ...leaseRoutes,
    ...stateRoutes,
    ...queueRoutes,
    ...deadLetterRoutes,
    ...attachmentRoutes,
    ...queryRoutes,
    ...namespaceRoutes,
    ...mutateRoutes,
    ...observationRoutes,
    ...txnRoutes,
    "/healthz": health,
    "/readyz": health,
  }),
);

export interface RouterParts {
  readonly lockd: ServedLockd;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Without one, requests are neither counted nor traced. */
  readonly observer?: RequestObserver | undefined;
  /** A broken invariant was found; the owner of the process decides what to do. */
  readonly onBug: (error: AssertionError) => void;
}

/** Turns requests into `Lockd` calls. One for all listeners. */
export class Router {
  readonly #parts: RouterParts;
  /** Announced on every answer from the first instant of the drain. */
  draining = false;
  /** Monotonic milliseconds of the last request that counts as activity. */
  lastActivityAt = performance.now();

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** The handler of `node:http`; never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = originForm(request.url ?? "/");
    const at = target.indexOf("?");
    const path = at === -1 ? target : target.slice(0, at);
    const search = at === -1 ? "" : target.slice(at + 1);
    const exchange = this.#exchangeOf(request, response, search);
    const route = routes.get(path);
    if (route !== health) this.lastActivityAt = performance.now();
    const { observer } = this.#parts;
    if (observer === undefined) return this.#answer(exchange, route, path);
    const observed: ObservedRequest = {
      operation: route?.operation ?? "unknown",
      method: request.method ?? "",
      // What nobody knows may be anything, and as much of it as anybody likes.
      path: route === undefined ? "unknown" : path,
      headers: request.headers,
      correlationId: exchange.correlationId,
      status: () => response.statusCode,
    };
    return observer.request(observed, () => this.#answer(exchange, route, path, observed));
  }

  async #answer(
    exchange: Exchange,
    ...[route, path, observed]: [Route | undefined, string, ObservedRequest?]
  ): Promise<void> {
    const { observer, lockd } = this.#parts;
    const startedAt = performance.now();
    try {
      if (route === undefined) {
        exchange.request.resume();
        throw failure("not_found", `there is no ${path.slice(0, 200)} here`);
      }
      if (observer === undefined || observed === undefined) await route.run(lockd, exchange);
      else await observer.operation(observed, () => route.run(lockd, exchange));
      this.#parts.telemetry.trace(`api.http.router.${route.operation}`, "http.request.complete", {
        cid: exchange.correlationId,
        status: exchange.response.statusCode,
        duration_ms: Math.round(performance.now() - startedAt),
      });
    } catch (error) {
      this.#fail(exchange, route?.operation ?? "unknown", error);
    }
  }

  /** Answers a request that no endpoint is to see; the connection ends with it. */
  refuse(request: IncomingMessage, response: ServerResponse, error: LockdError): void {
    response.shouldKeepAlive = false;
    this.#fail(this.#exchangeOf(request, response, ""), "refused", error);
  }

  /** The id the answer to a request carries: its own, or a new one. */
  correlationIdFor(headers: IncomingMessage["headers"]): string {
    const given = headers["x-correlation-id"];
    const accepted = acceptedCorrelationId(typeof given === "string" ? given : undefined);
    return accepted ?? this.#parts.random.uuid();
  }

  #exchangeOf(request: IncomingMessage, response: ServerResponse, search: string): Exchange {
    const correlationId = this.correlationIdFor(request.headers);
    return new Exchange({ request, response, correlationId, search, server: this });
  }

  #fail(exchange: Exchange, operation: string, error: unknown): void {
    const { telemetry, onBug } = this.#parts;
    const sys = `api.http.router.${operation}`;
    const cid = exchange.correlationId;
    if (error instanceof ClientGone || exchange.response.destroyed) {
      telemetry.debug(sys, "http.request.abandoned", { cid });
      exchange.response.destroy();
      return;
    }
    if (error instanceof StreamBroken) {
      telemetry.error(sys, "http.stream.failure", { cid, error: String(error.cause) });
      if (error.cause instanceof AssertionError) onBug(error.cause);
      return;
    }
    const { status, body } = sendError(exchange, error);
    // What is left of a body that was refused halfway would hold up the connection's next request.
    discardBody(exchange.request);
    if (isExpected(error)) {
      telemetry.debug(sys, "http.request.failure", {
        cid,
        status,
        code: error.code,
        detail: error.message,
        leader_endpoint: body.leader_endpoint,
        version: body.current_version,
        etag: body.current_etag,
        retry_after: body.retry_after_seconds,
      });
      return;
    }
    const stack = error instanceof Error ? error.stack : String(error);
    telemetry.error(sys, "http.request.panic", { cid, error: stack });
    if (error instanceof AssertionError) onBug(error);
  }
}

/** What stands behind the host: servers must take whole addresses too, as proxies send them. */
function originForm(target: string): string {
  if (target.startsWith("/")) return target;
  const rest = /^https?:\/\/[^/?]*(.*)$/i.exec(target)?.[1];
  if (rest === undefined) return target;
  return rest.startsWith("/") ? rest : `/${rest}`;
}
