/**
 * Requests over Node's own HTTP client. It takes twice the CPU a request that the pool of
 * `connections.ts` takes, but loads in a tenth of the time: right for a program that asks once and
 * ends, as commands do.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import type { AnswerHeaders } from "./answer-headers.ts";
import type { Endpoint } from "./endpoints.ts";
import type {
  AnswerController,
  AnswerHandler,
  OutgoingRequest,
  RequestDispatcher,
} from "./request-dispatcher.ts";

export interface NodeDispatcherOptions {
  readonly endpoint: Endpoint;
  /** Milliseconds to make a connection. */
  readonly connectTimeoutMs: number;
  /** Milliseconds an idle connection is kept, unless the server hints at less. */
  readonly idleMs: number;
}

export class NodeDispatcher implements RequestDispatcher {
  readonly #options: NodeDispatcherOptions;
  readonly #origin: URL;
  readonly #agent: HttpAgent;
  readonly #running = new Set<RunningRequest>();
  #drained: (() => void) | undefined;
  #closed = false;

  private constructor(options: NodeDispatcherOptions, agent: HttpAgent) {
    this.#options = options;
    this.#origin = new URL(options.endpoint.origin);
    this.#agent = agent;
  }

  /** Opens no connection; loads TLS only for an endpoint that needs it. */
  static async make(options: NodeDispatcherOptions): Promise<NodeDispatcher> {
    const secure = options.endpoint.origin.startsWith("https:");
    const AgentClass = secure ? (await import("node:https")).Agent : HttpAgent;
    const agent = new AgentClass({ keepAlive: true, timeout: options.idleMs });
    return new NodeDispatcher(options, agent);
  }

  dispatch(outgoing: OutgoingRequest, handler: AnswerHandler): void {
    const { endpoint, connectTimeoutMs } = this.#options;
    const { protocol, hostname, port, host } = this.#origin;
    const sent = request({
      agent: this.#agent,
      protocol,
      ...(endpoint.socketPath === undefined
        ? { host: hostname.replace(/^\[|\]$/g, ""), port }
        : { socketPath: endpoint.socketPath }),
      method: outgoing.method,
      path: outgoing.path,
      headers: headersOf(outgoing, host),
    });
    const running = new RunningRequest(sent, handler, () => this.#over(running));
    this.#running.add(running);
    if (this.#closed) running.abort(closedError());
    else running.start(outgoing.body, connectTimeoutMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    this.#agent.destroy();
  }

  async destroy(): Promise<void> {
    this.#closed = true;
    for (const running of this.#running) running.abort(closedError());
    this.#agent.destroy();
  }

  #over(running: RunningRequest): void {
    this.#running.delete(running);
    if (this.#running.size === 0) this.#drained?.();
  }
}

function closedError(): Error {
  return new Error("the client was closed");
}

/** With the host, and with the length of a body that is known. */
function headersOf({ headers, body, method }: OutgoingRequest, host: string): string[] {
  const all = ["host", host, ...headers];
  if (method === "GET" || all.includes("content-length")) return all;
  if (body === null) all.push("content-length", "0");
  else if (body instanceof Uint8Array) all.push("content-length", String(body.byteLength));
  return all;
}

/** One request from its connection to the end of its answer. */
class RunningRequest implements AnswerController {
  readonly #request: ClientRequest;
  readonly #handler: AnswerHandler;
  readonly #over: () => void;
  #answer: IncomingMessage | undefined;
  #connecting: NodeJS.Timeout | undefined;
  /** A streamed body that nobody has touched yet: it can still go to another endpoint. */
  #source: AsyncIterable<Uint8Array> | undefined;
  #told = false;

  constructor(sent: ClientRequest, handler: AnswerHandler, over: () => void) {
    this.#request = sent;
    this.#handler = handler;
    this.#over = over;
    sent.on("error", (cause) => this.#fail(cause));
    sent.on("response", (answer) => this.#answered(answer));
    sent.on("close", () => {
      this.#fail(new Error("the connection was closed"));
      this.#over();
    });
  }

  start(body: OutgoingRequest["body"], connectTimeoutMs: number): void {
    this.#request.once("socket", (socket) => this.#connect(socket, connectTimeoutMs));
    if (body === null) this.#request.end();
    else if (body instanceof Uint8Array) this.#request.end(body);
    else this.#source = body;
  }

  pause(): void {
    this.#answer?.pause();
  }

  resume(): void {
    this.#answer?.resume();
  }

  abort(reason: Error): void {
    this.#request.destroy(reason);
  }

  /** Nothing is written before the connection stands: until then the request was not sent. */
  #connect(socket: Socket, connectTimeoutMs: number): void {
    if (!socket.connecting) {
      this.#connected();
      return;
    }
    this.#connecting = setTimeout(() => {
      this.abort(new Error(`no connection within ${connectTimeoutMs} ms`));
    }, connectTimeoutMs);
    const connected = "encrypted" in socket ? "secureConnect" : "connect";
    socket.once(connected, () => {
      clearTimeout(this.#connecting);
      this.#connected();
    });
  }

  #connected(): void {
    if (this.#told) return;
    this.#handler.onRequestStart(this);
    if (this.#source !== undefined && !this.#request.destroyed) void this.#sendAll(this.#source);
  }

  async #sendAll(body: AsyncIterable<Uint8Array>): Promise<void> {
    const sent = this.#request;
    try {
      for await (const chunk of body) {
        if (sent.destroyed) return;
        if (!sent.write(chunk)) await drained(sent);
      }
      if (!sent.destroyed) sent.end();
    } catch (cause) {
      sent.destroy(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  #answered(answer: IncomingMessage): void {
    this.#answer = answer;
    answer.on("data", (chunk: Buffer) => this.#handler.onResponseData(this, chunk));
    answer.on("end", () => this.#complete(answerHeaders(answer.rawTrailers)));
    answer.on("error", (cause) => this.#fail(cause));
    this.#handler.onResponseStart(this, answer.statusCode ?? 0, answerHeaders(answer.rawHeaders));
  }

  #complete(trailers: AnswerHeaders): void {
    if (this.#told) return;
    this.#told = true;
    this.#handler.onResponseEnd(this, trailers);
    // Answered before all of it was sent: nobody reads the rest, and the connection is of no use.
    if (!this.#request.writableFinished) this.#request.destroy();
  }

  #fail(cause: Error): void {
    clearTimeout(this.#connecting);
    if (this.#told) return;
    this.#told = true;
    this.#handler.onResponseError(this, cause);
  }
}

/** Resolves when more may be written, or never will be. */
function drained(sent: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      sent.off("drain", go);
      sent.off("close", go);
      resolve();
    };
    sent.on("drain", go);
    sent.on("close", go);
  });
}

/** Names in lower case; of a repeated header all values, where Node's own record joins them. */
function answerHeaders(raw: readonly string[]): AnswerHeaders {
  const headers: Record<string, string | readonly string[]> = Object.create(null);
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    const value = raw[at + 1] ?? "";
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
