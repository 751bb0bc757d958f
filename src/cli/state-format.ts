/** States as files and text: JSON with its numbers untouched, and YAML (cli.md 7.4 and 7.5). */
import path from "node:path";
import { UsageError } from "./usage-error.ts";

export const stateTypes = ["auto", "raw", "json", "yaml"] as const;
export type StateType = (typeof stateTypes)[number];

/** `auto` by the file's extension, JSON otherwise. */
export function resolvedType(
  type: StateType,
  file: string | undefined,
): Exclude<StateType, "auto"> {
  if (type !== "auto") return type;
  const extension = file === undefined ? "" : path.extname(file).toLowerCase();
  return extension === ".yaml" || extension === ".yml" ? "yaml" : "json";
}

/** A state as text in the wanted form. */
export async function formatState(
  bytes: Uint8Array,
  type: "raw" | "json" | "yaml",
): Promise<Uint8Array> {
  if (type === "raw") {
    return bytes.at(-1) === 0x0a ? bytes : Buffer.concat([bytes, Buffer.from("\n")]);
  }
  const text = Buffer.from(bytes).toString("utf8");
  if (type === "json") {
    const { prettyJson } = await import("./pretty-json.ts");
    return Buffer.from(prettyJson(text));
  }
  const { parse, stringify } = await import("yaml");
  return Buffer.from(stringify(parse(text, { intAsBigInt: true })));
}

/**
 * Input as the compact JSON to send; empty input is `null`.
 * @throws UsageError naming the place of the mistake
 */
export async function compactInput(
  bytes: Uint8Array,
  type: "json" | "yaml",
  name: string,
): Promise<Uint8Array> {
  const text = Buffer.from(bytes).toString("utf8");
  if (text.trim() === "") return Buffer.from("null");
  if (type === "yaml") return Buffer.from(await yamlToJson(text, name));
  const { compactJson, JsonSyntaxError } = await import("../lql/json/compact.ts");
  const { jsonDepthMax } = await import("../engine/limits.ts");
  try {
    return compactJson(bytes, jsonDepthMax);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const before = Buffer.from(bytes.subarray(0, error.position)).toString("utf8").split("\n");
    const line = before.length;
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new UsageError(`${name} is not JSON: ${error.reason} (line ${line}, column ${column})`);
  }
}

async function yamlToJson(text: string, name: string): Promise<string> {
  const { parseDocument, isMap, isSeq, isScalar } = await import("yaml");
  const document = parseDocument(text, { intAsBigInt: true });
  const problem = document.errors[0];
  if (problem !== undefined) throw new UsageError(`${name} is not YAML: ${problem.message}`);
  const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
  const render = (node: unknown): string => {
    if (isMap(node)) {
      const members = node.items.map(({ key, value }) => {
        const keyText = isScalar(key) ? String(key.value) : String(key);
        return `${JSON.stringify(keyText)}:${render(value)}`;
      });
      return `{${members.join(",")}}`;
    }
    if (isSeq(node)) return `[${node.items.map(render).join(",")}]`;
    if (!isScalar(node)) return "null";
    const { value, source } = node;
    const isNumber = typeof value === "number" || typeof value === "bigint";
    if (isNumber && source !== undefined && jsonNumber.test(source)) return source;
    if (typeof value === "bigint") return value.toString();
    return JSON.stringify(value) ?? "null";
  };
  return render(document.contents);
}
