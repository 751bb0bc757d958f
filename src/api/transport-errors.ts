/** Codes of requests that HTTP itself refuses, before any endpoint has seen them. */
import { type ErrorEntry, exitCodes } from "./error-entry.ts";

const refused = (status: number, meaning: string, next: string): ErrorEntry => ({
  status,
  exit: exitCodes.rejected,
  retryable: false,
  meaning,
  next,
});

export const transportErrors = {
  malformed_request: refused(
    400,
    "the request is not well-formed HTTP/1.1, or ended before it was complete",
    "check method, request line, headers, length and chunks as they were sent",
  ),
  request_timeout: {
    status: 408,
    exit: exitCodes.unavailable,
    retryable: true,
    meaning: "the request did not arrive completely in time",
    next: "send it again, headers within 10 s and the body without long stops",
  },
  chunk_extensions_too_large: refused(
    413,
    "the extensions of a chunked body are too long",
    "send chunks without extensions",
  ),
  expectation_failed: refused(
    417,
    "the Expect header asks for something unknown",
    "send 100-continue or no Expect header",
  ),
  headers_too_large: refused(
    431,
    "the request's headers are longer than 1 MiB",
    "send fewer or shorter headers",
  ),
} as const satisfies Record<string, ErrorEntry>;
