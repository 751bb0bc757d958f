/**
 * Names and identifiers as http-core.md section 7 defines them. A normalised name has its own type,
 * so that an unchecked one cannot reach the store.
 */
import { failure } from "./errors.ts";

/** A namespace after trimming, defaulting, lower-casing and checking. */
export type Namespace = string & { readonly __brand: "namespace" };

/** A key after trimming, lower-casing and checking. */
export type Key = string & { readonly __brand: "key" };

const namespaceBytesMax = 128;
const keyBytesMax = 128;
/** `q/<queue>/state/<message id>` with the longest queue name, and room to spare. */
const queueStateKeyBytesMax = 256;
const correlationIdLengthMax = 128;

/** One flag a character code: 1 = allowed in namespaces and key segments as it is. */
const allowedByte = new Uint8Array(128);
for (const character of "abcdefghijklmnopqrstuvwxyz0123456789._-") {
  allowedByte[character.charCodeAt(0)] = 1;
}

function isAllowed(code: number): boolean {
  return code < 128 && allowedByte[code] === 1;
}

/**
 * The normalised namespace; `fallback` when none is given.
 * @throws invalid_namespace
 */
export function normalizeNamespace(raw: string | undefined, fallback: string): Namespace {
  const trimmed = raw === undefined ? "" : raw.trim();
  if (trimmed === "") return fallback as Namespace;
  const text = trimmed.toLowerCase();
  if (text.startsWith(".")) {
    throw failure("invalid_namespace", `namespace "${shown(text)}" is reserved (leading dot)`);
  }
  if (text.length > namespaceBytesMax || !allAllowed(text)) {
    throw failure(
      "invalid_namespace",
      `namespace "${shown(text)}" must be 1 to 128 of a-z 0-9 . _ -`,
    );
  }
  return text as Namespace;
}

function allAllowed(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    if (!isAllowed(text.charCodeAt(i))) return false;
  }
  return true;
}

/** Keeps an error message readable whatever was sent. */
function shown(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, "?");
  return printable.length > 80 ? `${printable.slice(0, 77)}...` : printable;
}

/**
 * The normalised key.
 * @throws invalid_key
 */
export function normalizeKey(raw: string): Key {
  if (isNormalizedKey(raw)) return raw as Key;
  const trimmed = raw.trim();
  const path = trimmed.startsWith("/") ? trimmed.slice(1) : trimmed;
  const segments = path.split("/").map((segment) => segment.trim().toLowerCase());
  for (const segment of segments) {
    if (segment === "" || segment === "." || segment === ".." || !allAllowed(segment)) {
      throw failure(
        "invalid_key",
        `key "${shown(raw)}" must be segments of a-z 0-9 . _ - joined by single slashes`,
      );
    }
  }
  const key = segments.join("/") as Key;
  // State keys of messages are made of names with limits of their own (http-queue.md 1.3).
  const bytesMax = isQueueStateKey(key) ? queueStateKeyBytesMax : keyBytesMax;
  if (path.length > bytesMax || key.length > bytesMax) {
    throw failure("invalid_key", `key "${shown(raw)}" is longer than ${bytesMax} bytes`);
  }
  return key;
}

/** One pass without allocation for the usual case: a key that is already in its final form. */
function isNormalizedKey(text: string): boolean {
  if (text.length === 0 || text.length > keyBytesMax) return false;
  let segmentStart = 0;
  for (let i = 0; i <= text.length; i += 1) {
    const code = i === text.length ? 47 : text.charCodeAt(i);
    if (code !== 47) {
      if (!isAllowed(code)) return false;
      continue;
    }
    const length = i - segmentStart;
    if (length === 0) return false;
    if (length <= 2 && isDots(text, segmentStart, i)) return false;
    segmentStart = i + 1;
  }
  return true;
}

function isDots(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i += 1) {
    if (text.charCodeAt(i) !== 46) return false;
  }
  return true;
}

/**
 * Acquire's view of a key: trimmed, and without a leading `<namespace>/` (section 7.2). This is the
 * text acquire echoes; {@link normalizeKey} of it names the record.
 */
export function acquiredKeyText(raw: string, namespace: Namespace): string {
  const trimmed = raw.trim();
  const prefix = `${namespace}/`;
  return trimmed.startsWith(prefix) ? trimmed.slice(prefix.length) : trimmed;
}

const xidPattern = /^[0-9a-v]{19}[0g]$/;

/** True for the text form of an xid (section 7.3). */
export function isXidText(text: string): boolean {
  return text.length === 20 && xidPattern.test(text);
}

/** The usable form of a correlation id a caller sent; undefined when it is to be ignored (3.3). */
export function acceptedCorrelationId(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined;
  const trimmed = raw.trim();
  if (trimmed.length === 0 || trimmed.length > correlationIdLengthMax) return undefined;
  for (let i = 0; i < trimmed.length; i += 1) {
    const code = trimmed.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return undefined;
  }
  return trimmed;
}

const queueStateKey = /^q\/[^/]+\/state\/[^/]+$/;

/** Keys of this shape belong to queue messages and are not kept alive one by one (section 7.2). */
export function isQueueStateKey(key: Key): boolean {
  return key.startsWith("q/") && queueStateKey.test(key);
}
