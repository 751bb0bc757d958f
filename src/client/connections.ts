import type { Dispatcher, Pool } from "undici";
import type { Endpoint } from "./endpoints.ts";
import { connectTimeoutMsMax } from "./limits.ts";

/** Milliseconds. An idle connection is closed after this, or as long as the server's hint says. */
const idleMsDefault = 4_000;
const idleMsMax = 300_000;

/** Connections to the endpoints, made when first needed and kept while they are used. */
export class Connections {
  readonly #connectTimeoutMs: number;
  readonly #pools = new Map<string, Dispatcher>();
  #library: Promise<typeof Pool> | undefined;

  constructor(connectTimeoutMs: number) {
    this.#connectTimeoutMs = Math.min(connectTimeoutMs, connectTimeoutMsMax);
  }

  /** The pool of an endpoint, if it was used before. */
  known(endpoint: Endpoint): Dispatcher | undefined {
    return this.#pools.get(endpoint.url);
  }

  /** The pool of an endpoint; loads the HTTP library on its first use. */
  async open(endpoint: Endpoint): Promise<Dispatcher> {
    this.#library ??= import("undici/lib/dispatcher/pool.js").then((module) => module.default);
    const PoolClass = await this.#library;
    const known = this.#pools.get(endpoint.url);
    if (known !== undefined) return known;
    const pool = new PoolClass(endpoint.origin, {
      ...(endpoint.socketPath === undefined ? {} : { socketPath: endpoint.socketPath }),
      // A waiting acquire keeps its connection busy for as long as it waits: never cap them.
      connections: null,
      pipelining: 1,
      allowH2: false,
      connectTimeout: this.#connectTimeoutMs,
      // Limits are ours and exact; the library's are coarse.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleMsDefault,
      keepAliveMaxTimeout: idleMsMax,
    });
    this.#pools.set(endpoint.url, pool);
    return pool;
  }

  /** Lets running requests finish and closes everything. */
  async drain(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }

  /** Cuts everything. */
  async destroy(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}
