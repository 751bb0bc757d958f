/**
 * What travels in JSON bodies: one description of the fields of each request, used to decode it
 * strictly (http-core.md section 3.2).
 */
import { failure, type LockdApiError } from "./errors.ts";

export type FieldKind = "string" | "strings" | "integer" | "boolean" | "ignored";

/** Field names as on the wire. */
export type FieldKinds = Readonly<Record<string, FieldKind>>;

export const acquireFields = {
  namespace: "string",
  key: "string",
  owner: "string",
  ttl_seconds: "integer",
  block_seconds: "integer",
  if_not_exists: "boolean",
  txn_id: "string",
} as const satisfies FieldKinds;

export const keepAliveFields = {
  namespace: "string",
  key: "string",
  lease_id: "string",
  ttl_seconds: "integer",
  txn_id: "string",
  // D1: one client always sends it; the header is what counts.
  fencing_token: "ignored",
} as const satisfies FieldKinds;

export const releaseFields = {
  namespace: "string",
  key: "string",
  lease_id: "string",
  txn_id: "string",
  rollback: "boolean",
  fencing_token: "ignored",
} as const satisfies FieldKinds;

export const metadataFields = { query_hidden: "boolean" } as const satisfies FieldKinds;

export const mutateFields = {
  namespace: "string",
  mutations: "strings",
} as const satisfies FieldKinds;

type ValueOf<Kind extends FieldKind> = Kind extends "string"
  ? string
  : Kind extends "strings"
    ? readonly string[]
    : Kind extends "integer"
      ? number
      : Kind extends "boolean"
        ? boolean
        : never;

/** The decoded body: absent and `null` fields are undefined. */
export type Decoded<Fields extends FieldKinds> = {
  readonly [Name in keyof Fields]?: ValueOf<Fields[Name]>;
};

/** A number in the text that is not a plain integer somewhere: then every literal is looked at. */
const suspiciousNumber = /\d[.eE]/;

/**
 * Decodes exactly one JSON object with known fields of the right types.
 * @throws `code` with the field and the right form
 */
export function decodeFields<Fields extends FieldKinds>(
  text: string,
  fields: Fields,
  code: "invalid_body" | "invalid_metadata",
): Decoded<Fields> {
  const parsed = parse(text, code);
  if (parsed === null) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    throw failure(code, "the body must be one JSON object");
  }
  // Checked in place: the parsed object is ours alone.
  const values = parsed as Record<string, unknown>;
  for (const name in values) {
    const kind = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (kind === undefined) throw failure(code, `unknown field "${name.slice(0, 60)}" in the body`);
    const value = values[name];
    if (value === null || kind === "ignored") values[name] = undefined;
    else if (!isOfKind(value, kind)) throw wrongType(name, kind, code);
  }
  return values as Decoded<Fields>;
}

/** Stands for a number that was not written as an integer literal. */
const notAnInteger = Symbol("not an integer literal");

function parse(text: string, code: "invalid_body" | "invalid_metadata"): unknown {
  try {
    if (!suspiciousNumber.test(text)) return JSON.parse(text);
    return JSON.parse(text, integerLiterals);
  } catch (error) {
    if (text.trim() === "") throw failure(code, "the body is empty; send one JSON object");
    const reason = error instanceof Error ? error.message : String(error);
    throw failure(code, `the body is not one JSON value: ${reason.slice(0, 200)}`);
  }
}

/** `5.0` and `1e1` parse to integers but are no integer literals. */
function integerLiterals(
  _name: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  if (typeof value !== "number") return value;
  return /^-?\d+$/.test(context?.source ?? "") ? value : notAnInteger;
}

function isOfKind(value: unknown, kind: FieldKind): boolean {
  if (kind === "integer") return typeof value === "number" && Number.isSafeInteger(value);
  if (kind === "strings") {
    return Array.isArray(value) && value.every((element) => typeof element === "string");
  }
  return typeof value === kind;
}

function wrongType(
  name: string,
  kind: FieldKind,
  code: "invalid_body" | "invalid_metadata",
): LockdApiError {
  const right =
    kind === "integer"
      ? "an integer literal without quotes or fraction"
      : kind === "strings"
        ? "an array of strings"
        : `a ${kind}`;
  return failure(code, `field "${name}" must be ${right}`);
}
