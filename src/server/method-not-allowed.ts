import { failure } from "../api/errors.ts";
import { errorAnswer } from "./error-answer.ts";
import type { Exchange } from "./exchange.ts";

/** Refuses a method that the path does not know; `allow` lists those it does. */
export function methodNotAllowed(exchange: Exchange, allow: string): void {
  exchange.request.resume();
  const method = exchange.request.method ?? "";
  const detail = `${method.slice(0, 20)} is not allowed here; use ${allow}`;
  const { status, body } = errorAnswer(failure("method_not_allowed", detail));
  exchange.json(status, JSON.stringify(body), ["Allow", allow]);
}
