import { jsonText } from "../output.ts";

/** What a dry run prints; for `eval` it is a comment, so that no variable is set or unset. */
export function dryRunText(output: string, json: object, text: string): string {
  if (output === "json") return jsonText(json);
  if (output === "text") return text;
  return text.replace(/^(?=.)/gm, "# ");
}
