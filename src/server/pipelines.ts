import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { pipelinedBodyBytesMax, pipelinedRequestsMax } from "./limits.ts";

/**
 * Lets the requests of one connection run one after the other, as their answers go out anyway.
 *
 * The race it exists to win: were they run at once, answers that pile up behind one that waits
 * would make Node stop reading the connection; then its end goes unseen, and a waiter that has long
 * gone is granted a lease.
 */
export class Pipelines {
  readonly #waiting = new WeakMap<Socket, number>();
  readonly #newest = new WeakMap<Socket, ServerResponse>();

  /**
   * Runs a request once the answers before its own are out; never, when the connection ends first.
   * A connection with too many unanswered requests is cut, and one whose next body is too long to
   * be held meanwhile: it could not be read on, and its end would go unseen.
   */
  inTurn(response: ServerResponse, run: () => void): void {
    this.#newest.set(response.req.socket, response);
    // Only the answer that goes out next has the socket; the others get it in their turn.
    if (response.socket !== null) {
      run();
      return;
    }
    const { socket } = response.req;
    const waiting = (this.#waiting.get(socket) ?? 0) + 1;
    if (waiting > pipelinedRequestsMax || isLong(response.req)) {
      socket.destroy();
      return;
    }
    this.#waiting.set(socket, waiting);
    response.once("socket", () => {
      this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1);
      run();
    });
  }

  /**
   * True when what is written to the socket now would be taken for the answer to what was received
   * last: nothing is owed, or only the answer to the very request that is still coming in.
   */
  isFree(socket: Socket): boolean {
    const newest = this.#newest.get(socket);
    if (newest === undefined || newest.writableFinished) return true;
    return !newest.req.complete && newest.socket !== null && !newest.headersSent;
  }
}

function isLong({ headers }: IncomingMessage): boolean {
  if ("transfer-encoding" in headers) return true;
  return Number(headers["content-length"] ?? 0) > pipelinedBodyBytesMax;
}
