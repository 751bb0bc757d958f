/** What an enqueue says of its message, besides the payload. */
import type { EnqueueRequest, EnqueueResult } from "../../api/queues.ts";
import { maxDeliveriesDefault } from "../../client/limits.ts";
import { firstGiven } from "../lease-input.ts";
import { Flags } from "../oclif.ts";
import { UsageError } from "../usage-error.ts";
import { secondsInput, wholeInput } from "./queue-input.ts";

export const enqueueFlags = {
  "content-type": Flags.string({
    description: "type of the payload; default application/octet-stream",
  }),
  delay: Flags.string({ description: "how long nobody gets it" }),
  visibility: Flags.string({ description: "how long a consumer has it, unless it chooses" }),
  ttl: Flags.string({ description: "how long it is kept; default for ever" }),
  "max-attempts": Flags.string({ description: "failures until it is a dead letter; default 5" }),
  "max-deliveries": Flags.string({
    description: "deliveries until it is one, however they end; 0: no limit; default 100",
  }),
  priority: Flags.string({ description: "-100 to 100; higher first; default 0" }),
  group: Flags.string({ description: "one message of a group at a time, in order" }),
  "dedupe-key": Flags.string({ description: "a second message with this key is not added" }),
  "dedupe-window": Flags.string({ description: "how long the key is remembered; default 5m" }),
  "txn-id": Flags.string({
    description:
      "transaction, an xid: it appears when that commits, never when rolled back " +
      "[env: LOCKD_WORK_TXN_ID, set by lockd work --transaction]",
  }),
  attr: Flags.string({ multiple: true, description: "attribute NAME=TEXT, several with commas" }),
  "attr-json": Flags.string({ multiple: true, description: "attribute NAME=JSON" }),
} as const;

type EnqueueFlags = {
  readonly [Name in Exclude<keyof typeof enqueueFlags, "attr" | "attr-json">]?: string | undefined;
} & {
  readonly attr?: readonly string[] | undefined;
  readonly "attr-json"?: readonly string[] | undefined;
};

export type MessageTerms = Omit<EnqueueRequest, "namespace" | "queue">;

/** @throws UsageError */
export function enqueueTerms(flags: EnqueueFlags): MessageTerms {
  const maxDeliveries = wholeInput(flags["max-deliveries"], "--max-deliveries", 0);
  return {
    payloadContentType: firstGiven(flags["content-type"]),
    delaySeconds: secondsInput(flags.delay, "--delay"),
    visibilityTimeoutSeconds: secondsInput(flags.visibility, "--visibility"),
    ttlSeconds: secondsInput(flags.ttl, "--ttl"),
    maxAttempts: wholeInput(flags["max-attempts"], "--max-attempts", 1),
    maxDeliveries: maxDeliveries ?? maxDeliveriesDefault,
    priority: wholeInput(flags.priority, "--priority", -100),
    group: firstGiven(flags.group),
    dedupeKey: firstGiven(flags["dedupe-key"]),
    dedupeWindowSeconds: secondsInput(flags["dedupe-window"], "--dedupe-window"),
    txnId: firstGiven(flags["txn-id"]),
    attributes: attributesInput(flags.attr ?? [], flags["attr-json"] ?? []),
  };
}

/** @throws UsageError */
export function attributesInput(
  texts: readonly string[],
  jsons: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  const pairs = [
    ...texts.flatMap((text) => text.split(",")).map((text) => pairOf(text, "--attr")),
    ...jsons.map((text) => {
      const { name, value } = pairOf(text, "--attr-json");
      return { name, value: jsonOf(name, value) };
    }),
  ];
  if (pairs.length === 0) return undefined;
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}

function pairOf(text: string, flag: string): { readonly name: string; readonly value: string } {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(0, at)).trim();
  if (name === "") throw new UsageError(`${flag} "${text}" must be NAME=VALUE`);
  return { name, value: text.slice(at + 1).trim() };
}

function jsonOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`--attr-json ${name} is not JSON: ${text}`, error);
  }
}

export function enqueueText(result: EnqueueResult): string {
  const { messageId, attempts, maxAttempts, duplicate, txnId } = result;
  const known = duplicate ? " duplicate=true" : "";
  const waits = txnId === undefined ? "" : ` txn_id=${txnId}`;
  const counts = `attempts=${attempts} max_attempts=${maxAttempts}`;
  return `message_id=${messageId} ${counts}${known}${waits}\n`;
}

export function enqueueJson(result: EnqueueResult) {
  return {
    namespace: result.namespace,
    queue: result.queue,
    message_id: result.messageId,
    attempts: result.attempts,
    max_attempts: result.maxAttempts,
    failure_attempts: result.failureAttempts === 0 ? undefined : result.failureAttempts,
    not_visible_until_unix: result.notVisibleUntilUnix,
    visibility_timeout_seconds: result.visibilityTimeoutSeconds,
    payload_bytes: result.payloadBytes,
    correlation_id: result.correlationId,
    duplicate: result.duplicate ? true : undefined,
    txn_id: result.txnId,
  };
}
