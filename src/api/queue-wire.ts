/** The JSON bodies of queue requests: names and types of their members (http-queue.md). */
import type { FieldKinds } from "./wire.ts";

const addressFields = { namespace: "string", queue: "string" } as const satisfies FieldKinds;

export const enqueueFields = {
  ...addressFields,
  delay_seconds: "integer",
  visibility_timeout_seconds: "integer",
  ttl_seconds: "integer",
  max_attempts: "integer",
  attributes: "object",
  payload_content_type: "string",
  max_deliveries: "integer",
  priority: "integer",
  group: "string",
  dedupe_key: "string",
  dedupe_window_seconds: "integer",
  txn_id: "string",
} as const satisfies FieldKinds;

export const dequeueFields = {
  ...addressFields,
  owner: "string",
  txn_id: "string",
  txn_bound: "boolean",
  visibility_timeout_seconds: "integer",
  wait_seconds: "integer",
  page_size: "integer",
  start_after: "string",
} as const satisfies FieldKinds;

export const queueFields = addressFields;

const messageFields = {
  ...addressFields,
  message_id: "string",
  lease_id: "string",
  fencing_token: "integer",
  txn_id: "string",
  meta_etag: "string",
  state_lease_id: "string",
  state_fencing_token: "integer",
} as const satisfies FieldKinds;

export const ackFields = { ...messageFields, state_etag: "string" } as const satisfies FieldKinds;

export const nackFields = {
  ...ackFields,
  delay_seconds: "integer",
  intent: "string",
  last_error: "any",
} as const satisfies FieldKinds;

export const extendFields = {
  ...messageFields,
  extend_by_seconds: "integer",
} as const satisfies FieldKinds;

export const queueListFields = {
  ...addressFields,
  cursor: "string",
  limit: "integer",
} as const satisfies FieldKinds;

export const deadLetterListFields = {
  ...queueListFields,
} as const satisfies FieldKinds;

export const deadLetterFields = {
  ...addressFields,
  message_id: "string",
} as const satisfies FieldKinds;

export const deadLetterSelectionFields = {
  ...deadLetterFields,
  all: "boolean",
  limit: "integer",
  cursor: "string",
} as const satisfies FieldKinds;
