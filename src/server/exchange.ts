import type { IncomingMessage, ServerResponse } from "node:http";
import { failure } from "../api/errors.ts";
import type { LockdCall } from "../api/lockd.ts";
import { halfClosedMsMax, hangUpRetryMs } from "./limits.ts";
import { Query } from "./query-string.ts";

/** The client went away before it was answered. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";

  constructor() {
    super("the client closed the connection");
  }
}

/** True while the server announces its shutdown. */
interface Announcing {
  readonly draining: boolean;
}

/**
 * One request and its answer. Also the call context the engine gets: the signal is made only when
 * somebody asks for it, because most requests are over before anyone could wait.
 */
export class Exchange implements LockdCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly correlationId: string;
  readonly query: Query;
  readonly timeoutMs = undefined;
  /** The id every answer carries: the request's, or that of the message it is about. */
  answeredId: string;
  readonly #server: Announcing;
  #abort: AbortController | undefined;
  #waitAbort: AbortController | undefined;

  constructor(parts: {
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly correlationId: string;
    readonly search: string;
    readonly server: Announcing;
  }) {
    this.request = parts.request;
    this.response = parts.response;
    this.correlationId = parts.correlationId;
    this.answeredId = parts.correlationId;
    this.query = new Query(parts.search);
    this.#server = parts.server;
  }

  /**
   * Aborts when the connection is gone before the answer is complete. A client that only stopped
   * sending may still be listening, so what ends soon is finished and answered; what has nothing
   * to say for long is not, because nobody may be there to hear it.
   */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      const { response } = this;
      if (response.destroyed && !response.writableFinished) abort.abort(new ClientGone());
      const { socket } = this.request;
      let limit: NodeJS.Timeout | undefined;
      const hangUp = (): void => {
        limit = setTimeout(() => {
          // From the first byte on, writing tells whether somebody is there.
          if (!response.headersSent) abort.abort(hungUp());
        }, halfClosedMsMax);
      };
      if (socket.readableEnded) hangUp();
      else socket.once("end", hangUp);
      response.once("close", () => {
        socket.off("end", hangUp);
        clearTimeout(limit);
        if (!response.writableFinished) abort.abort(new ClientGone());
      });
    }
    return this.#abort.signal;
  }

  /**
   * Aborts when the client stops sending, too: whether it is still there cannot be told then
   * before something is written to it, and nothing may be waited for on behalf of nobody. The
   * connection ends with the answer, so that what stands behind the wait is not run either.
   */
  get waitSignal(): AbortSignal {
    if (this.#waitAbort === undefined) {
      const abort = new AbortController();
      this.#waitAbort = abort;
      const { response } = this;
      const { socket } = this.request;
      const hangUp = (): void => {
        response.shouldKeepAlive = false;
        abort.abort(hungUp());
      };
      if (response.destroyed) abort.abort(new ClientGone());
      else if (socket.readableEnded) hangUp();
      else socket.once("end", hangUp);
      response.once("close", () => {
        socket.off("end", hangUp);
        if (!response.writableFinished) abort.abort(new ClientGone());
      });
    }
    return this.#waitAbort.signal;
  }

  /** The call of a stream without an end of its own: all of it is waiting. */
  get endless(): LockdCall {
    const { waitSignal, correlationId } = this;
    return { signal: waitSignal, waitSignal, correlationId };
  }

  /** A request header as one trimmed text; undefined when absent. */
  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return typeof value === "string" ? value : value?.[0];
  }

  /** Writes a piece of a streamed answer; resolves when the next one may come. */
  async write(chunk: Uint8Array): Promise<void> {
    const { response } = this;
    if (response.destroyed) throw new ClientGone();
    if (!response.write(chunk)) await this.#drained();
  }

  /** As `write`, of a long body: resolves when nothing of the chunk's memory is needed any more. */
  writeThrough(chunk: Uint8Array): Promise<void> {
    return this.#through((done) => this.response.write(chunk, done));
  }

  /**
   * As `writeThrough`, of the last piece of a body with a length: the client has its whole answer
   * then, and its next request must not find this one unfinished.
   */
  endThrough(chunk: Uint8Array): Promise<void> {
    return this.#through((done) => this.response.end(chunk, done));
  }

  #through(send: (done: (error?: Error | null) => void) => void): Promise<void> {
    const { response } = this;
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new ClientGone());
      if (response.destroyed) return gone();
      response.once("close", gone);
      send((error) => {
        response.off("close", gone);
        if (error) gone();
        else resolve();
      });
    });
  }

  #drained(): Promise<void> {
    const { response } = this;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        response.off("drain", settle);
        response.off("close", settle);
        if (response.destroyed) reject(new ClientGone());
        else resolve();
      };
      response.on("drain", settle);
      response.on("close", settle);
    });
  }

  /** Lets go of the request's headers: whoever waits for long needs them no more. */
  forgetHeaders(): void {
    this.request.headers = {};
    this.request.rawHeaders = [];
  }

  /** Answers JSON in one write. `headers` is a flat list of names and values. */
  json(status: number, body: string, headers: readonly string[]): void {
    const { response } = this;
    if (response.destroyed) return;
    const length = Buffer.byteLength(body);
    const all = ["Content-Type", "application/json", ...headers];
    response.writeHead(status, this.head(all, length));
    // Text goes out in one piece with the head; bytes would be a second one. ASCII is the rule.
    response.end(body, length === body.length ? "latin1" : "utf8");
  }

  /** Answers text of one byte a character, in one write. */
  byteText(status: number, body: string, headers: readonly string[]): void {
    const { response } = this;
    if (response.destroyed) return;
    response.writeHead(status, this.head(headers, body.length));
    response.end(body, "latin1");
  }

  send(status: number, body: Uint8Array, headers: readonly string[]): void {
    const { response } = this;
    if (response.destroyed) return;
    response.writeHead(status, this.head(headers, body.length));
    response.end(body);
  }

  /** 204: no body, no length. */
  empty(status: 200 | 204): void {
    const { response } = this;
    if (response.destroyed) return;
    response.writeHead(status, this.head([], status === 200 ? 0 : undefined));
    response.end();
  }

  /** The headers every answer carries, and the given ones. */
  head(headers: readonly string[], length: number | undefined): string[] {
    const all = ["X-Correlation-Id", this.answeredId, ...headers];
    if (length !== undefined) all.push("Content-Length", String(length));
    // Asked now: a request may have waited since before the drain began.
    if (this.#server.draining) all.push("Shutdown-Imminent", "true");
    return all;
  }
}

/** How a wait ends that nobody may be waiting for any more (http-core.md section 1, Disconnect). */
function hungUp(): Error {
  const detail = "the client stopped sending on this connection, which ends its waits";
  return failure("waiting", detail, { retryAfterMs: hangUpRetryMs });
}
