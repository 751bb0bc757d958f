/** The spans of a request (security-and-operations.md section 18). */
import { LockdApiError, LockdError } from "../../api/errors.ts";
import type { RunningSpan, Tracing } from "../../engine/ports/tracing.ts";
import { ClientGone } from "../exchange.ts";
import type { RequestObserver } from "./request-observer.ts";

/** The contract's attributes that say who asked: this version knows no identities. */
const identity = { "lockd.enforce_identity": false, "lockd.has_client_identity": false };

export function tracedRequests(tracing: Tracing): RequestObserver {
  return {
    request(request, run) {
      const { operation, method, path, headers, correlationId } = request;
      const attributes = { "http.request.method": method, "url.path": path, "http.route": path };
      const start = { name: `lockd.http.${operation}`, kind: "server", attributes } as const;
      return tracing.within({ ...start, headers, correlationId }, async (span) => {
        await run();
        const status = request.status();
        span.set({ "http.response.status_code": status });
        if (status >= 500) span.fail();
      });
    },
    operation({ operation, path, correlationId }, run) {
      const attributes = {
        ...identity,
        "lockd.sys": `api.http.router.${operation}`,
        "lockd.operation": operation,
        "lockd.route": path,
        "lockd.correlation_id": correlationId,
      };
      const start = { name: `lockd.tx.${operation}`, kind: "internal", attributes } as const;
      return tracing.within(start, (span) => told(span, run));
    },
  };
}

async function told(span: RunningSpan, run: () => Promise<void>): Promise<void> {
  const from = performance.now();
  span.event("lockd.tx.begin");
  let result = "ok";
  try {
    await run();
  } catch (error) {
    result = error instanceof ClientGone ? "context" : "error";
    span.set(failureAttributes(error));
    throw error;
  } finally {
    const ms = Math.round(performance.now() - from);
    span.event("lockd.tx.end", { "lockd.result": result, "lockd.duration_ms": ms });
  }
}

function failureAttributes(error: unknown): Readonly<Record<string, string | number>> {
  const code = error instanceof LockdError ? error.code : "internal_error";
  const status = error instanceof LockdApiError ? error.status : 500;
  return { "lockd.error_code": code, "lockd.error_status": status };
}
