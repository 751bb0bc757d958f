/**
 * What travels in JSON bodies: one description of the fields of each request, used to decode it
 * strictly (http-core.md section 3.2).
 */
import { failure, type LockdApiError } from "./errors.ts";

/** `object` and `any` are taken as they are, whatever numbers are inside. */
export type FieldKind = "string" | "strings" | "integer" | "boolean" | "object" | "any" | "ignored";

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

interface Values {
  readonly string: string;
  readonly strings: readonly string[];
  readonly integer: number;
  readonly boolean: boolean;
  readonly object: Readonly<Record<string, unknown>>;
  readonly any: unknown;
  readonly ignored: never;
}

/** The decoded body: absent and `null` fields are undefined. */
export type Decoded<Fields extends FieldKinds> = {
  readonly [Name in keyof Fields]?: Values[Fields[Name]];
};

/** A number in the text that is not a plain integer somewhere: then every literal is looked at. */
const suspiciousNumber = /\d[.eE]/;

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
    else if (!isOfKind(value, kind)) throw wrongType(name, kind, code);
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
  return /^-?\d+$/.test(context?.source ?? "") ? value : notAnInteger;
}

function isOfKind(value: unknown, kind: FieldKind): boolean {
  if (kind === "integer") return typeof value === "number" && Number.isSafeInteger(value);
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
  strings: "an array of strings",
  object: "an object",
};

function wrongType(name: string, kind: FieldKind, code: BodyCode): LockdApiError {
  const right = rightForms[kind] ?? `a ${kind}`;
  return failure(code, `field "${name}" must be ${right}`);
}
