/** What an HTTP request is sent with: the seam between the client and its HTTP libraries. */
import type { AnswerHeaders } from "./answer-headers.ts";

/** One request as it goes over the wire. */
export interface OutgoingRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
}

/** The running request, for who wants to slow or end it. */
export interface AnswerController {
  pause(): void;
  resume(): void;
  /** Cuts the connection; the handler is told with `reason`. */
  abort(reason: Error): void;
}

/** Told of a request's progress: start, head, bytes, then exactly one of end and error. */
export interface AnswerHandler {
  /** The connection stands and the first byte is about to go out. */
  onRequestStart(controller: AnswerController): void;
  onResponseStart(controller: AnswerController, status: number, headers: AnswerHeaders): void;
  onResponseData(controller: AnswerController, chunk: Uint8Array): void;
  /** `trailers` are headers that came after the bytes. */
  onResponseEnd(controller: AnswerController, trailers: AnswerHeaders): void;
  onResponseError(controller: AnswerController, cause: Error): void;
}

/** Connections to one endpoint; a waiting request keeps one busy, and there is no cap. */
export interface RequestDispatcher {
  /** Never throws for what happens on the wire: the handler is told. */
  dispatch(request: OutgoingRequest, handler: AnswerHandler): unknown;
  /** Resolves when the running requests are over and every connection is closed. */
  close(): Promise<void>;
  /** Cuts everything. */
  destroy(): Promise<void>;
}
