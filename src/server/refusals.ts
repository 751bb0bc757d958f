/**
 * Answers to what never became a request: broken HTTP, headers without end, CONNECT. They carry
 * the same envelope as every other error, because clients read nothing else; then the connection
 * is closed, as nobody knows where on it the next request would begin.
 */
import { type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { failure, type LockdError } from "../api/errors.ts";
import { errorAnswer } from "./error-answer.ts";
import { headerBytesMax, headersTimeoutMs, refusalLingerMs } from "./limits.ts";
import type { Pipelines } from "./pipelines.ts";
import type { Router } from "./router.ts";

interface Ways {
  readonly router: Router;
  readonly pipelines: Pipelines;
}

/** Makes the server answer them all. */
export function answerRefusals(server: Server, { router, pipelines }: Ways): void {
  // Behind an error the parser reports every further piece that arrives; one answer is enough.
  const refused = new WeakSet<Socket>();
  server.on("clientError", (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    if (refused.has(socket)) return;
    refused.add(socket);
    const nobodyAsked = socket.bytesRead === 0 || error.code === "ECONNRESET";
    if (nobodyAsked || !socket.writable || !pipelines.isFree(socket)) socket.destroy(error);
    else refuse(socket, router, { error: refusalOf(error) });
  });
  server.on("connect", ({ headers }: IncomingMessage, stream) => {
    const error = failure("method_not_allowed", "CONNECT is not allowed: this is no proxy");
    const allow = ["Allow", "GET, POST, PUT, DELETE"];
    const socket = stream as Socket;
    // Node has taken its own listeners off; a peer that resets must not end the process.
    socket.on("error", () => socket.destroy());
    refuse(socket, router, { error, headers: allow, request: headers });
  });
  server.on("checkExpectation", (request, response) => {
    const expected = (request.headers.expect ?? "").slice(0, 40);
    const error = failure("expectation_failed", `nothing is known of "${expected}"`);
    pipelines.inTurn(response, () => router.refuse(request, response, error));
  });
}

/** What is wrong with a request that the parser gave up. */
function refusalOf(error: NodeJS.ErrnoException & { readonly reason?: string }): LockdError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return failure("headers_too_large", `the headers are longer than ${headerBytesMax} bytes`);
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return failure("chunk_extensions_too_large", "the chunks have too long extensions");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return failure("request_timeout", `no complete headers within ${headersTimeoutMs} ms`);
    case "HPE_INVALID_EOF_STATE":
      return failure("malformed_request", "the connection ended in the middle of the request");
    default: {
      const reason = (error.reason ?? error.message).slice(0, 200);
      return failure("malformed_request", `this is not HTTP/1.1: ${reason}`);
    }
  }
}

/** Writes the answer as bytes, since there is no response to write it with. */
function refuse(
  socket: Socket,
  router: Router,
  why: {
    readonly error: LockdError;
    readonly headers?: readonly string[];
    readonly request?: IncomingMessage["headers"];
  },
): void {
  const { status, body } = errorAnswer(why.error);
  const json = Buffer.from(JSON.stringify(body));
  const headers = [
    ...["X-Correlation-Id", router.correlationIdFor(why.request ?? {})],
    ...["Content-Type", "application/json", ...(why.headers ?? [])],
    ...["Content-Length", String(json.length)],
    ...(router.draining ? ["Shutdown-Imminent", "true"] : []),
    ...["Date", new Date().toUTCString(), "Connection", "close"],
  ];
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
  // Closed in one go, what the client is still sending would reset the connection, and with it
  // the answer on its way. So only our half is closed, and the rest is read for a moment.
  const cut = setTimeout(() => socket.destroy(), refusalLingerMs);
  socket.once("close", () => clearTimeout(cut));
  socket.end(Buffer.concat([Buffer.from(`${head}\r\n`), json]));
  socket.resume();
}
