/** One line of a bulk enqueue: a JSON object with a payload and what goes with it. */
import { UsageError } from "../usage-error.ts";
import type { MessageTerms } from "./enqueue-input.ts";
import { secondsInput } from "./queue-input.ts";

export interface MessageLine {
  readonly payload: Uint8Array;
  readonly terms: MessageTerms;
}

type Fields = Readonly<Record<string, unknown>>;

const knownFields = new Set([
  "payload",
  "payload_base64",
  "content_type",
  "delay",
  "visibility",
  "ttl",
  "max_attempts",
  "max_deliveries",
  "priority",
  "group",
  "dedupe_key",
  "dedupe_window",
  "attributes",
]);

/**
 * A text as payload is taken as it is, any other JSON value as JSON; what a line leaves out is as
 * the flags say.
 * @throws UsageError
 */
export function parseMessageLine(text: string, defaults: MessageTerms): MessageLine {
  const fields = objectOf(text);
  const unknown = Object.keys(fields).find((name) => !knownFields.has(name));
  if (unknown !== undefined) {
    const known = [...knownFields].join(", ");
    throw new UsageError(`field "${unknown}" is unknown; known are ${known}`);
  }
  const { payload, isJson } = payloadOf(fields);
  const { attributes = defaults.attributes } = fields;
  if (attributes !== undefined && !isObject(attributes)) {
    throw new UsageError("attributes must be an object");
  }
  const contentType = textOf(fields, "content_type") ?? defaults.payloadContentType;
  return {
    payload,
    terms: {
      // All of it, also what no line can say: the transaction.
      ...defaults,
      payloadContentType: contentType ?? (isJson ? "application/json" : undefined),
      delaySeconds: durationOf(fields, "delay") ?? defaults.delaySeconds,
      visibilityTimeoutSeconds:
        durationOf(fields, "visibility") ?? defaults.visibilityTimeoutSeconds,
      ttlSeconds: durationOf(fields, "ttl") ?? defaults.ttlSeconds,
      maxAttempts: wholeOf(fields, "max_attempts") ?? defaults.maxAttempts,
      maxDeliveries: wholeOf(fields, "max_deliveries") ?? defaults.maxDeliveries,
      priority: wholeOf(fields, "priority") ?? defaults.priority,
      group: textOf(fields, "group") ?? defaults.group,
      dedupeKey: textOf(fields, "dedupe_key") ?? defaults.dedupeKey,
      dedupeWindowSeconds: durationOf(fields, "dedupe_window") ?? defaults.dedupeWindowSeconds,
      attributes,
    },
  };
}

function objectOf(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError("not JSON", error);
  }
  if (!isObject(value)) throw new UsageError("not a JSON object");
  return value;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function payloadOf(fields: Fields): { readonly payload: Uint8Array; readonly isJson: boolean } {
  const { payload } = fields;
  const base64 = textOf(fields, "payload_base64");
  if (base64 !== undefined) {
    if (payload !== undefined)
      throw new UsageError("payload and payload_base64 exclude each other");
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
      throw new UsageError("payload_base64 is not base64");
    return { payload: Buffer.from(base64, "base64"), isJson: false };
  }
  if (payload === undefined) return { payload: new Uint8Array(0), isJson: false };
  if (typeof payload === "string") return { payload: Buffer.from(payload), isJson: false };
  return { payload: Buffer.from(JSON.stringify(payload)), isJson: true };
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === "string") return value;
  throw new UsageError(`${name} must be a text`);
}

function wholeOf(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value))) {
    return value;
  }
  throw new UsageError(`${name} must be a whole number`);
}

/** Seconds: as a number, or as a text such as 1m30s. */
function durationOf(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value === "number" && value >= 0) return Math.ceil(value);
  if (typeof value === "string") return secondsInput(value, name);
  throw new UsageError(`${name} must be seconds, or a duration such as "1m30s"`);
}
