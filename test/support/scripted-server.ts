import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/** What the server does with one request. */
export type Step =
  | {
      readonly kind: "answer";
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** Sent as JSON, or as it is when it is bytes or a text. */
      readonly body?: unknown;
      /** Cuts the connection after so many bytes of the body. */
      readonly cutAfterBytes?: number;
      /** Answers before reading the request's body. */
      readonly early?: boolean;
    }
  /** Cuts the connection after the whole request was read. */
  | { readonly kind: "cut" }
  /** Never answers. */
  | { readonly kind: "hang" };

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Resolves when the client's side of this request is gone. */
  readonly closed: Promise<void>;
}

export type Script = readonly Step[] | ((request: RecordedRequest, index: number) => Step);

/** 200 with a JSON body. */
export function ok(body: unknown, headers: Readonly<Record<string, string>> = {}): Step {
  return { kind: "answer", status: 200, body, headers };
}

/** A failed answer with the usual envelope. */
export function failed(
  status: number,
  error: string,
  more: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Step {
  return { kind: "answer", status, body: { error, ...more }, headers };
}

export const cut: Step = { kind: "cut" };
export const hang: Step = { kind: "hang" };

/** A server that plays a script and remembers what it was asked. */
export class ScriptedServer {
  readonly requests: RecordedRequest[] = [];
  readonly #script: Script;
  readonly #server = createServer({ keepAliveTimeout: 60_000 });
  #arrivals: (() => void)[] = [];
  #url = "";

  private constructor(script: Script) {
    this.#script = script;
    this.#server.on("request", (request, response) => {
      void this.#play(request, response).catch(() => response.destroy());
    });
  }

  /** Listens on a free loopback port, or on `socketPath`. */
  static async start(script: Script, socketPath?: string): Promise<ScriptedServer> {
    const server = new ScriptedServer(script);
    if (socketPath === undefined) server.#server.listen(0, "127.0.0.1");
    else server.#server.listen(socketPath);
    await once(server.#server, "listening");
    const address = server.#server.address();
    server.#url =
      typeof address === "string"
        ? `unix://${address}`
        : `http://127.0.0.1:${(address as AddressInfo).port}`;
    return server;
  }

  get url(): string {
    return this.#url;
  }

  /** Resolves when `count` requests were received whole. */
  async received(count: number): Promise<void> {
    while (this.requests.length < count) {
      await new Promise<void>((resolve) => this.#arrivals.push(resolve));
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #play(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://unix");
    const closed = new Promise<void>((resolve) => {
      response.once("close", resolve);
    });
    const script = this.#script;
    const next = this.requests.length;
    const early = typeof script === "function" ? undefined : script[next];
    const chunks: Buffer[] = [];
    if (!(early?.kind === "answer" && early.early === true)) {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    }
    const recorded: RecordedRequest = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks),
      closed,
    };
    const index = this.requests.push(recorded) - 1;
    const step = typeof script === "function" ? script(recorded, index) : script[index];
    for (const wake of this.#arrivals.splice(0)) wake();
    act(step ?? failed(500, "script_over"), request, response);
  }
}

function act(step: Step, request: IncomingMessage, response: ServerResponse): void {
  if (step.kind === "hang") return;
  if (step.kind === "cut") {
    request.socket.destroy();
    return;
  }
  const body = bytesOf(step.body);
  const isJson = !(step.body instanceof Uint8Array) && typeof step.body !== "string";
  const length = step.status === 204 ? {} : { "content-length": String(body.byteLength) };
  response.writeHead(step.status ?? 200, {
    ...(isJson ? { "content-type": "application/json" } : {}),
    ...length,
    ...step.headers,
  });
  if (step.cutAfterBytes === undefined) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, step.cutAfterBytes), () => request.socket.destroy());
}

function bytesOf(body: unknown): Uint8Array {
  if (body === undefined) return new Uint8Array(0);
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

/** The URL of a port that refuses connections. */
export async function refusingUrl(): Promise<string> {
  const server = await ScriptedServer.start([]);
  const { url } = server;
  await server.close();
  return url;
}
