/**
 * Bodies of transaction calls (transactions-and-islands.md section 1.2). Other than everywhere
 * else, unknown fields are ignored, only the first JSON value is read, and an empty body may count
 * as `{}`: coordinators of several versions talk to each other with these.
 */
import { failure } from "../api/errors.ts";

/** The fields of a body, each checked when it is read; absent and null are undefined. */
export class LenientFields {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = members;
  }

  /** @throws invalid_body */
  text(name: string): string | undefined {
    const value = this.#members[name] ?? undefined;
    if (value === undefined || typeof value === "string") return value;
    throw wrongType(name, "a string");
  }

  /** @throws invalid_body also beyond 2^53-1: a rounded term would be another one */
  integer(name: string): number | undefined {
    const value = this.#members[name] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    throw wrongType(name, "an integer up to 2^53-1");
  }

  /** @throws invalid_body */
  objects(name: string): readonly LenientFields[] | undefined {
    const value = this.#members[name] ?? undefined;
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw wrongType(name, "an array of objects");
    return value.map((member: unknown) => {
      if (isObject(member)) return new LenientFields(member);
      throw wrongType(name, "an array of objects");
    });
  }
}

/** @throws invalid_body unless the text starts with a JSON object */
export function lenientFields(text: string): LenientFields {
  const value = firstValue(text);
  if (value === null) return new LenientFields({});
  if (isObject(value)) return new LenientFields(value);
  throw failure("invalid_body", "the body must be one JSON object");
}

function firstValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const end = objectEnd(text);
    if (end === undefined) throw notJson(cause);
    try {
      return JSON.parse(text.slice(0, end));
    } catch (inner) {
      throw notJson(inner);
    }
  }
}

/** Strings whole, so that their braces do not count; and the braces that do. */
const bracesAndStrings = /"(?:[^"\\]|\\.)*"|[{}]/gsu;

/** Where the object ends that the text starts with; undefined when it starts with none. */
function objectEnd(text: string): number | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  let depth = 0;
  for (const { 0: found, index } of text.matchAll(bracesAndStrings)) {
    if (found === "{") depth += 1;
    else if (found === "}") depth -= 1;
    if (depth === 0) return index + 1;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notJson(cause: unknown): Error {
  return failure("invalid_body", "the body does not start with one JSON object", { cause });
}

function wrongType(name: string, right: string): Error {
  return failure("invalid_body", `field "${name}" must be ${right}`);
}
