import { AssertionError } from "node:assert";
import type { IncomingMessage, ServerResponse } from "node:http";
import { failure } from "../api/errors.ts";
import type { Lockd } from "../api/lockd.ts";
import { acceptedCorrelationId } from "../api/names.ts";
import type { Random } from "../engine/ports/random.ts";
import type { Telemetry } from "../engine/ports/telemetry.ts";
import * as lease from "./endpoints/lease-endpoints.ts";
import * as state from "./endpoints/state-endpoints.ts";
import { isExpected, sendError } from "./error-answer.ts";
import { ClientGone, Exchange } from "./exchange.ts";

type Endpoint = (lockd: Lockd, exchange: Exchange) => Promise<void>;

/** Exact paths; no prefix, no trailing slash, whatever the method (http-core.md section 1). */
const endpoints = new Map<string, { readonly operation: string; readonly run: Endpoint }>([
  ["/v1/acquire", { operation: "acquire", run: lease.acquire }],
  ["/v1/keepalive", { operation: "keepalive", run: lease.keepAlive }],
  ["/v1/release", { operation: "release", run: lease.release }],
  ["/v1/get", { operation: "get", run: state.get }],
  ["/v1/update", { operation: "update", run: state.update }],
  ["/v1/remove", { operation: "remove", run: state.remove }],
  ["/v1/metadata", { operation: "metadata", run: state.metadata }],
  ["/v1/describe", { operation: "describe", run: state.describe }],
  ["/v1/x/status", { operation: "status", run: state.status }],
  ["/healthz", { operation: "healthz", run: alive }],
  ["/readyz", { operation: "readyz", run: alive }],
]);

async function alive(_lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  exchange.empty(200);
}

export interface RouterParts {
  readonly lockd: Lockd;
  readonly random: Random;
  readonly telemetry: Telemetry;
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
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? "/";
    const at = target.indexOf("?");
    const path = at === -1 ? target : target.slice(0, at);
    const given = request.headers["x-correlation-id"];
    const exchange = new Exchange({
      request,
      response,
      correlationId:
        acceptedCorrelationId(typeof given === "string" ? given : undefined) ??
        this.#parts.random.uuid(),
      search: at === -1 ? "" : target.slice(at + 1),
      draining: this.draining,
    });
    const endpoint = endpoints.get(path);
    if (endpoint?.run !== alive) this.lastActivityAt = performance.now();
    try {
      if (endpoint === undefined) {
        request.resume();
        throw failure("not_found", `there is no ${path.slice(0, 200)} here`);
      }
      await endpoint.run(this.#parts.lockd, exchange);
    } catch (error) {
      this.#fail(exchange, endpoint?.operation ?? "unknown", error);
    }
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
    const { status, body } = sendError(exchange, error);
    // What is left of a body that was refused halfway would hold up the connection's next request.
    exchange.request.resume();
    if (isExpected(error)) {
      telemetry.debug(sys, "http.request.failure", {
        cid,
        status,
        code: error.code,
        detail: error.message,
        retry_after: body.retry_after_seconds,
      });
      return;
    }
    const stack = error instanceof Error ? error.stack : String(error);
    telemetry.error(sys, "http.request.panic", { cid, error: stack });
    if (error instanceof AssertionError) onBug(error);
  }
}
