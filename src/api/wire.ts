/**
 * What travels in JSON bodies: one description of the fields of each request, used to decode it
 * strictly (http-core.md section 3.2).
 */
import { isInt64 } from "./decimals.ts";
import { failure, type LockdApiError } from "./errors.ts";

/**
 * `object` and `any` are taken as they are, whatever numbers are inside. `int64` is for seconds of
 * lease calls, which may have 64 bits (http-core.md section 3.2) and are cut to limits far below;
 * `integer` has at most 53 (http-queue.md section 1.1), so that tokens are never rounded.
 */
export type FieldKind =
  | "string"
  | "strings"
  | "integer"
  | "int64"
  | "boolean"
  | "object"
  | "any"
  | "ignored";

/** Field names as on the wire. */
export type FieldKinds = Readonly<Record<string, FieldKind>>;

export const acquireFields = {
  namespace: "string",
  key: "string",
  owner: "string",
  ttl_seconds: "int64",
  block_seconds: "int64",
  if_not_exists: "boolean",
  txn_id: "string",
} as const satisfies FieldKinds;

export const keepAliveFields = {
  namespace: "string",
  key: "string",
  lease_id: "string",
  ttl_seconds: "int64",
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

interface Values {
  readonly string: string;
  readonly strings: readonly string[];
  readonly integer: number;
  /** Rounded beyond 2^53. */
  readonly int64: number;
  readonly boolean: boolean;
  readonly object: Readonly<Record<string, unknown>>;
  readonly any: unknown;
  readonly ignored: never;
}

/** The decoded body: absent and `null` fields are undefined. */
export type Decoded<Fields extends FieldKinds> = {
  readonly [Name in keyof Fields]?: Values[Fields[Name]];
};

/** A number in the text that is not a short plain integer: then every literal is looked at. */
const suspiciousNumber = /\d[.eE]|\d{16}/;

type BodyCode = "invalid_body" | "invalid_metadata";

/**
 * Decodes exactly one JSON object with known fields of the right types.
 * @throws `code` with the field and the right form
 */
export function decodeFields<Fields extends FieldKinds>(
  text: string,
  fields: Fields,
  code: BodyCode,
): Decoded<Fields> {
  return decode(text, fields, { code, unknown: "refused" });
}

/** As {@link decodeFields}, but members it does not know are left aside. @throws invalid_body */
export function decodeKnownFields<Fields extends FieldKinds>(
  text: string,
  fields: Fields,
): Decoded<Fields> {
  return decode(text, fields, { code: "invalid_body", unknown: "ignored" });
}

function decode<Fields extends FieldKinds>(
  text: string,
  fields: Fields,
  manner: { readonly code: BodyCode; readonly unknown: "refused" | "ignored" },
): Decoded<Fields> {
  const { code } = manner;
  const checksNumbers = suspiciousNumber.test(text);
  const parsed = parse(text, code, checksNumbers);
  if (parsed === null) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    throw failure(code, "the body must be one JSON object");
  }
  // Checked in place: the parsed object is ours alone.
  const values = parsed as Record<string, unknown>;
  for (const name in values) {
    const kind = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (kind === undefined) {
      if (manner.unknown === "ignored") continue;
      throw failure(code, `unknown field "${name.slice(0, 60)}" in the body`);
    }
    const value = values[name];
    if (value === null || kind === "ignored") values[name] = undefined;
    else if (!isOfKind(value, kind)) throw wrongValue({ name, value, kind, code });
  }
  return (checksNumbers ? withPlainValues(text, fields, values) : values) as Decoded<Fields>;
}

/** Fractions are refused where integers are wanted only; inside free values they stay. */
function withPlainValues(
  text: string,
  fields: FieldKinds,
  checked: Record<string, unknown>,
): Record<string, unknown> {
  const free = Object.keys(checked).filter((name) => isFree(fields[name]));
  if (free.length === 0) return checked;
  const plain = JSON.parse(text) as Record<string, unknown>;
  for (const name of free) checked[name] = plain[name] ?? undefined;
  return checked;
}

function isFree(kind: FieldKind | undefined): boolean {
  return kind === "object" || kind === "any";
}

/** Stands for a number that was not written as an integer literal. */
const notAnInteger = Symbol("not an integer literal");

/** Stands for an integer of more than 64 bits. */
const notAnInt64 = Symbol("more than 64 bits");

function parse(text: string, code: BodyCode, checksNumbers: boolean): unknown {
  try {
    if (!checksNumbers) return JSON.parse(text);
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
  const literal = context?.source ?? "";
  if (!/^-?\d+$/.test(literal)) return notAnInteger;
  return Number.isSafeInteger(value) || isInt64(literal) ? value : notAnInt64;
}

function isOfKind(value: unknown, kind: FieldKind): boolean {
  if (kind === "integer") return Number.isSafeInteger(value);
  if (kind === "int64") return Number.isInteger(value);
  if (kind === "any") return true;
  if (kind === "object") return typeof value === "object" && !Array.isArray(value);
  if (kind === "strings") {
    return Array.isArray(value) && value.every((element) => typeof element === "string");
  }
  return typeof value === kind;
}

/** What is wanted of the kinds whose names do not say it. */
const rightForms: Readonly<Partial<Record<FieldKind, string>>> = {
  integer: "an integer literal without quotes or fraction",
  int64: "an integer literal without quotes or fraction",
  strings: "an array of strings",
  object: "an object",
};

/** What integers are held to, by kind. */
const integerRanges: Readonly<Partial<Record<FieldKind, string>>> = {
  integer: "an integer from -(2^53-1) to 2^53-1",
  int64: "an integer from -2^63 to 2^63-1",
};

function wrongValue(found: {
  readonly name: string;
  readonly value: unknown;
  readonly kind: FieldKind;
  readonly code: BodyCode;
}): LockdApiError {
  const { name, value, kind, code } = found;
  const isTooLarge = value === notAnInt64 || Number.isInteger(value);
  const range = isTooLarge ? integerRanges[kind] : undefined;
  const right = range ?? rightForms[kind] ?? `a ${kind}`;
  return failure(code, `field "${name}" must be ${right}`);
}
