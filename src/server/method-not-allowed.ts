import { failure } from "../api/errors.ts";
import { errorAnswer } from "./error-answer.ts";
import type { Exchange } from "./exchange.ts";

/** Answers 405 with the methods the path knows (http-core.md section 4). */
export function methodNotAllowed(exchange: Exchange, allow: string): void {
  exchange.request.resume();
  const method = exchange.request.method ?? "";
  const detail = `${method.slice(0, 20)} is not possible here; use one of ${allow}`;
  const { status, body } = errorAnswer(failure("method_not_allowed", detail));
  exchange.json(status, JSON.stringify(body), ["Allow", allow]);
}
