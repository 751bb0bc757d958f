import type { AssertionError } from "node:assert";
import { createServer, type Server, type ServerResponse } from "node:http";
import { failure } from "../api/errors.ts";
import type { ServedLockd } from "../api/lockd.ts";
import type { Clock } from "../engine/ports/clock.ts";
import type { Random } from "../engine/ports/random.ts";
import type { Telemetry } from "../engine/ports/telemetry.ts";
import {
  closeMsMin,
  closePollMs,
  drainPollMs,
  drainShare,
  headerBytesMax,
  headerLinesMax,
  headersTimeoutMs,
  keepAliveTimeoutMs,
  tcpKeepAliveMs,
} from "./limits.ts";
import { type ListenerAddress, listen } from "./listener.ts";
import type { RequestObserver } from "./observe/request-observer.ts";
import { Pipelines } from "./pipelines.ts";
import { answerRefusals } from "./refusals.ts";
import { Router } from "./router.ts";

export interface ServerOptions {
  readonly lockd: ServedLockd;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly listeners: readonly ListenerAddress[];
  /** Milliseconds running leases may drain; 0 skips the drain. */
  readonly drainGraceMs: number;
  /** Milliseconds of the whole shutdown; 0: no own cap. */
  readonly shutdownTimeoutMs: number;
  /** Milliseconds a request body may stall; 0: for ever. */
  readonly bodyIdleTimeoutMs: number;
  /** Around every request; without one nothing is counted or traced. */
  readonly observer?: RequestObserver | undefined;
  /** Told of a drain when it is over. */
  readonly onDrained?: ((drain: DrainSummary) => void) | undefined;
  readonly onBug: (error: AssertionError) => void;
}

export interface DrainSummary {
  readonly activeLeases: number;
  readonly remainingLeases: number;
  readonly elapsedMs: number;
}

export interface RunningServer {
  /** Endpoints in the order of the listeners. */
  readonly endpoints: readonly string[];
  /** Milliseconds since the last request that was not a health check. */
  idleMs(): number;
  /** Drains, then closes the listeners and cuts what is left; idempotent. Leases stay. */
  stop(): Promise<void>;
}

/**
 * Serves a `Lockd` over HTTP/1.1 on all given listeners.
 * @throws listen_failed when an address cannot be listened on; nothing is left open then
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const router = new Router(options);
  const servers: Server[] = [];
  const endpoints: string[] = [];
  try {
    for (const address of options.listeners) {
      const server = newHttpServer(router, options);
      servers.push(server);
      const endpoint = await listen(server, address);
      endpoints.push(endpoint);
      options.telemetry.info("server.lifecycle.core", "listening", {
        network: address.proto,
        address: endpoint,
        mtls: false,
      });
    }
  } catch (error) {
    await Promise.all(servers.map(closeNow));
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    endpoints,
    idleMs: () => performance.now() - router.lastActivityAt,
    stop: () => {
      stopping ??= stopServer(options, router, servers);
      return stopping;
    },
  };
}

function newHttpServer(router: Router, options: ServerOptions): Server {
  const pipelines = new Pipelines();
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersTimeoutMs,
      // The contract forbids limits on a request's total time: acquires wait, uploads take long.
      requestTimeout: 0,
      keepAliveTimeout: keepAliveTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelay: tcpKeepAliveMs,
      noDelay: true,
      // Any Host is accepted, none too: unix socket clients say what they like.
      requireHostHeader: false,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      pipelines.inTurn(response, () => {
        limitStalls(router, response, options.bodyIdleTimeoutMs);
        void router.handle(request, response);
      });
    },
  );
  // `Upgrade: h2c` is answered as ordinary HTTP/1.1; without a listener Node does just that.
  server.timeout = 0;
  server.maxRequestsPerSocket = 0;
  server.maxHeadersCount = headerLinesMax;
  answerHalfOpen(server);
  answerRefusals(server, { router, pipelines });
  return server;
}

/**
 * Clients may stop sending and wait for their answer (`nc -N`). Node has the switch and no type for
 * it; without it the answer in the making is thrown away.
 */
function answerHalfOpen(server: Server): void {
  Object.assign(server, { httpAllowHalfOpen: true });
}

/** Refuses a request whose body stalls. */
function limitStalls(router: Router, response: ServerResponse, idleMs: number): void {
  if (idleMs <= 0) return;
  const request = response.req;
  request.setTimeout(idleMs, () => {
    if (request.complete) return;
    const detail = `the request's body stood still for ${idleMs} ms`;
    const stalled = (): void => void request.destroy(new Error(detail));
    if (response.headersSent) return stalled();
    response.once("finish", stalled);
    router.refuse(request, response, failure("request_timeout", detail));
  });
  // The limit is the body's: waits and streams that follow may be idle as long as they like.
  request.once("end", () => request.socket.setTimeout(0));
}

/** The drain of http-core.md section 6 and security-and-operations.md section 13. */
async function stopServer(
  options: ServerOptions,
  router: Router,
  servers: readonly Server[],
): Promise<void> {
  const { lockd, clock, telemetry } = options;
  const startedAt = clock.monotonicMs();
  const budgetMs = options.shutdownTimeoutMs === 0 ? Infinity : options.shutdownTimeoutMs;
  const graceMs = Math.min(options.drainGraceMs, drainShare * budgetMs);
  const sys = "server.shutdown.controller";
  router.draining = true;
  lockd.beginDrain(graceMs);
  if (graceMs <= 0) telemetry.info(sys, "shutdown.drain.skip", {});
  else {
    const activeLeases = lockd.liveLeases();
    telemetry.info(sys, "shutdown.drain.begin", {
      active_leases: activeLeases,
      grace_period: `${graceMs}ms`,
      force_release: false,
      notify_clients: true,
    });
    while (lockd.liveLeases() > 0 && clock.monotonicMs() - startedAt < graceMs) {
      telemetry.debug(sys, "shutdown.drain.wait", { active_leases: lockd.liveLeases() });
      await pause(clock, drainPollMs);
    }
    const remainingLeases = lockd.liveLeases();
    const elapsedMs = Math.round(clock.monotonicMs() - startedAt);
    options.onDrained?.({ activeLeases, remainingLeases, elapsedMs });
    telemetry.info(sys, "shutdown.drain.complete", {
      active_leases: activeLeases,
      released: Math.max(0, activeLeases - remainingLeases),
      remaining: remainingLeases,
      forced_releases: 0,
      elapsed: `${elapsedMs}ms`,
    });
  }
  const leftMs = Math.max(closeMsMin, budgetMs - (clock.monotonicMs() - startedAt));
  const closed = Promise.all(servers.map(closeGracefully)).then(() => true);
  const inTime = await Promise.race([
    closed,
    pause(clock, Math.min(leftMs, 60_000)).then(() => false),
  ]);
  if (inTime) return;
  telemetry.warn(sys, "shutdown.http.timeout_force_close", {});
  await Promise.all(servers.map(closeNow));
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(ms, resolve);
  });
}

/** Stops accepting, closes idle connections, waits for the others; the socket file goes with it. */
function closeGracefully(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A connection whose last answer went out after the listener closed would idle on for minutes.
    const looking = setInterval(() => server.closeIdleConnections(), closePollMs);
    server.close(() => {
      clearInterval(looking);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function closeNow(server: Server): Promise<void> {
  const closed = closeGracefully(server);
  server.closeAllConnections();
  return closed;
}
