import { LockdProtocolError } from "../api/errors.ts";

/** The members of a JSON answer, each checked when it is read; unknown ones are ignored. */
export class JsonAnswer {
  readonly #members: Readonly<Record<string, unknown>>;

  /** @throws LockdProtocolError when the bytes are not one JSON object */
  constructor(source: Uint8Array | Readonly<Record<string, unknown>>) {
    this.#members = source instanceof Uint8Array ? parse(source) : source;
  }

  /** A text that must be there. */
  text(name: string): string {
    const value = this.#members[name];
    if (typeof value === "string") return value;
    throw bad(name, "a text", value);
  }

  /** A text; absent, null and empty give `fallback`. */
  textOr<F>(name: string, fallback: F): string | F {
    const value = this.#members[name];
    return value === undefined || value === null || value === "" ? fallback : this.text(name);
  }

  /** An integer that must be there and be exact. */
  integer(name: string): number {
    const value = this.#members[name];
    if (Number.isSafeInteger(value)) return value as number;
    throw bad(name, "an integer up to 2^53 - 1", value);
  }

  integerOr<F>(name: string, fallback: F): number | F {
    const value = this.#members[name];
    return value === undefined || value === null ? fallback : this.integer(name);
  }

  /** A duration; a fraction is rounded. */
  millisecondsOr<F>(name: string, fallback: F): number | F {
    const value = this.#members[name];
    if (value === undefined || value === null) return fallback;
    if (typeof value === "number" && Number.isFinite(value)) return Math.round(value);
    throw bad(name, "a number of milliseconds", value);
  }

  flag(name: string): boolean | undefined {
    const value = this.#members[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "boolean") return value;
    throw bad(name, "true or false", value);
  }

  /** Whatever stands there; null is nothing. */
  any(name: string): unknown {
    return this.#members[name] ?? undefined;
  }

  /** A free object of the caller's; absent is empty. */
  free(name: string): Readonly<Record<string, unknown>> {
    const value = this.#members[name];
    if (value === undefined || value === null) return {};
    if (typeof value === "object" && !Array.isArray(value)) return { ...value };
    throw bad(name, "an object", value);
  }

  /** A list of objects that must be there. */
  list(name: string): JsonAnswer[] {
    const value = this.#members[name];
    if (!Array.isArray(value)) throw bad(name, "a list", value);
    return value.map((item: unknown) => {
      if (typeof item === "object" && item !== null) return new JsonAnswer({ ...item });
      throw bad(name, "a list of objects", item);
    });
  }

  /** A list of texts; an absent or null one is empty. */
  texts(name: string): readonly string[] {
    const value = this.#members[name];
    if (value === undefined || value === null) return [];
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    throw bad(name, "a list of texts", value);
  }

  /** The members of an object that are texts; absent and null give none. */
  textMembers(name: string): Readonly<Record<string, string>> {
    const value = this.#members[name];
    if (value === undefined || value === null) return {};
    if (typeof value !== "object" || Array.isArray(value)) throw bad(name, "an object", value);
    const texts = Object.entries(value).filter(
      (member): member is [string, string] => typeof member[1] === "string",
    );
    return Object.fromEntries(texts);
  }

  object(name: string): JsonAnswer | undefined {
    const value = this.#members[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "object" && !Array.isArray(value)) return new JsonAnswer({ ...value });
    throw bad(name, "an object", value);
  }

  /** A list of objects; absent and null are an empty one. */
  objects(name: string): readonly JsonAnswer[] {
    const value = this.#members[name];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw bad(name, "a list", value);
    return value.map((member: unknown) => {
      if (typeof member !== "object" || member === null)
        throw bad(name, "a list of objects", member);
      return new JsonAnswer({ ...member });
    });
  }
}

/** Bytes as text; the quickest way for the short answers of this protocol. */
export function utf8Text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes));
  } catch (cause) {
    throw new LockdProtocolError("protocol", "the answer is not JSON", { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new LockdProtocolError("protocol", "the answer is not a JSON object");
}

function bad(name: string, wanted: string, value: unknown): LockdProtocolError {
  const found = value === undefined ? "nothing" : typeof value;
  return new LockdProtocolError("protocol", `the answer's ${name} is not ${wanted} but ${found}`);
}
