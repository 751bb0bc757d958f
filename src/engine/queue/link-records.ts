/**
 * The small records beside messages: the last member of an ordered group, and which message a
 * dedupe key stands for. Frame: "LX", format version, zero, crc32 (u32 LE) of the JSON that
 * follows.
 */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { dedupeKeyGraceMs } from "../limits.ts";
import { StoreFailure } from "../ports/store.ts";
import { dedupePrefix, groupPrefix, type Message, type QueueId } from "./message.ts";

const formatVersion = 1;
const jsonAt = 8;

/** `g/...`: where the next message of the group is hung up. */
export interface GroupRecord {
  readonly writeId: string;
  /** Id of the member that was enqueued last; it may be gone by now. */
  readonly tail: string;
  /**
   * Set while the tail may still have to appear: its transaction is committed, and whoever comes
   * next sees to it first. Only on stores without atomic plans.
   */
  readonly appearing?: { readonly txnId: string; readonly decidedAtMs: number };
}

/** `d/...`: the message a key stands for, with what its producer was answered. */
export interface DedupeRecord {
  readonly writeId: string;
  readonly messageId: string;
  readonly untilMs: number;
  readonly maxAttempts: number;
  readonly notVisibleUntilMs: number;
  readonly visibilitySeconds: number | undefined;
  readonly payloadBytes: number;
  readonly correlationId: string;
  /** When the key was taken, on the clock that found it free; absent in older records. */
  readonly enteredMs?: number;
}

export function dedupeRecordOf(
  messageId: string,
  message: Message,
  write: Pick<DedupeRecord, "writeId" | "enteredMs">,
): DedupeRecord {
  return {
    ...write,
    messageId,
    untilMs: message.dedupe?.untilMs ?? 0,
    maxAttempts: message.maxAttempts,
    notVisibleUntilMs: message.notVisibleUntilMs,
    visibilitySeconds: message.defaultVisibilitySeconds,
    payloadBytes: message.payload.size,
    correlationId: message.correlationId,
  };
}

/** True when nobody has to know any more what a key stood for. */
export function isForgettable({ untilMs }: Pick<DedupeRecord, "untilMs">, nowMs: number): boolean {
  return untilMs + dedupeKeyGraceMs <= nowMs;
}

/** Names are hashed: callers choose groups and keys freely, and long. */
export function groupName({ namespace, queue }: QueueId, group: string): string {
  return `${groupPrefix}${namespace}/${queue}/${hash("sha256", group)}`;
}

export function dedupeName({ namespace, queue }: QueueId, key: string): string {
  return `${dedupePrefix}${namespace}/${queue}/${hash("sha256", key)}`;
}

export function encodeLink(record: GroupRecord | DedupeRecord): Uint8Array {
  const json = Buffer.from(JSON.stringify(record));
  const bytes = Buffer.alloc(jsonAt + json.length);
  bytes.write("LX", 0, "latin1");
  bytes[2] = formatVersion;
  bytes.writeUInt32LE(crc32(json), 4);
  json.copy(bytes, jsonAt);
  return bytes;
}

/** @throws StoreFailure "corrupt" */
export function decodeLink<Link extends GroupRecord | DedupeRecord>(
  name: string,
  stored: Uint8Array,
): Link {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  if (bytes.length < jsonAt || bytes.toString("latin1", 0, 2) !== "LX") {
    throw new StoreFailure("corrupt", `${name}: not a record of lockd's queues`);
  }
  if (bytes[2] !== formatVersion) {
    throw new StoreFailure("corrupt", `${name}: format ${bytes[2]} is unknown to this lockd`);
  }
  const json = bytes.subarray(jsonAt);
  if (bytes.readUInt32LE(4) !== crc32(json)) {
    throw new StoreFailure("corrupt", `${name}: checksum mismatch`);
  }
  return JSON.parse(json.toString("utf8")) as Link;
}
