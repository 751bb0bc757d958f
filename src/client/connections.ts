import type { Pool } from "undici";
import type { Endpoint } from "./endpoints.ts";
import { connectTimeoutMsMax } from "./limits.ts";
import type { RequestDispatcher } from "./request-dispatcher.ts";

/**
 * `undici`: half the CPU of a request, for programs that make many. `node`: loads 20 ms sooner, for
 * commands that make one or two. Everything else about them is alike.
 */
export type HttpLibrary = "undici" | "node";

/** Milliseconds. An idle connection is closed after this, or as long as the server's hint says. */
const idleMsDefault = 4_000;
const idleMsMax = 300_000;

/** Connections to the endpoints, made when first needed and kept while they are used. */
export class Connections {
  readonly #library: HttpLibrary;
  readonly #connectTimeoutMs: number;
  readonly #opened = new Map<string, RequestDispatcher>();

  constructor(options: { readonly library: HttpLibrary; readonly connectTimeoutMs: number }) {
    this.#library = options.library;
    this.#connectTimeoutMs = Math.min(options.connectTimeoutMs, connectTimeoutMsMax);
  }

  /** The connections to an endpoint, if it was used before. */
  known(endpoint: Endpoint): RequestDispatcher | undefined {
    return this.#opened.get(endpoint.url);
  }

  /** The connections to an endpoint; loads the HTTP library on its first use. */
  async open(endpoint: Endpoint): Promise<RequestDispatcher> {
    const made = this.#library === "node" ? await this.#node(endpoint) : await this.#pool(endpoint);
    const known = this.#opened.get(endpoint.url);
    // Another request was faster; what was made for this one has no connection yet.
    if (known !== undefined) return known;
    this.#opened.set(endpoint.url, made);
    return made;
  }

  /** Lets running requests finish and closes everything. */
  async drain(): Promise<void> {
    await Promise.all([...this.#opened.values()].map((dispatcher) => dispatcher.close()));
  }

  /** Cuts everything. */
  async destroy(): Promise<void> {
    const opened = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.all(opened.map((dispatcher) => dispatcher.destroy()));
  }

  async #node(endpoint: Endpoint): Promise<RequestDispatcher> {
    const { NodeDispatcher } = await import("./node-dispatcher.ts");
    const connectTimeoutMs = this.#connectTimeoutMs;
    return NodeDispatcher.make({ endpoint, connectTimeoutMs, idleMs: idleMsDefault });
  }

  async #pool(endpoint: Endpoint): Promise<RequestDispatcher> {
    const { default: PoolClass } = await import("undici/lib/dispatcher/pool.js");
    const pool: Pool = new PoolClass(endpoint.origin, {
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
    // Its types know no async iterable as a body; the library does.
    return pool as RequestDispatcher;
  }
}
