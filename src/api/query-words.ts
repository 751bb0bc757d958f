import { failure } from "./errors.ts";

/**
 * The return mode a caller asks for; keys when none is named.
 * @throws invalid_return
 */
export function parseReturnMode(text: string | undefined): "keys" | "documents" {
  const word = text?.trim().toLowerCase() ?? "";
  if (word === "" || word === "keys") return "keys";
  if (word === "documents" || word === "document" || word === "docs") return "documents";
  throw failure("invalid_return", `return "${word.slice(0, 40)}" must be keys or documents`);
}
