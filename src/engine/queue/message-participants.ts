/** Messages and their states as participants of transactions (http-queue.md section 13.3). */
import { failure } from "../../api/errors.ts";
import type { Namespace } from "../../api/names.ts";
import { rolledBack } from "../lease/lease-rules.ts";
import { recordName } from "../record/key-record.ts";
import type { RecordShell } from "../record/record-shell.ts";
import { keep, refuse, write } from "../transition.ts";
import type { Decided, ParticipantKind } from "../txn/participant-kind.ts";
import type { Participant } from "../txn/txn-record.ts";
import { describeMessage } from "./fence.ts";
import { type Message, type QueueName, stateKeyOf } from "./message.ts";
import { keep as keepMessage } from "./message-decision.ts";
import type { MessageAt, MessageShell } from "./message-shell.ts";
import type { MessageStates } from "./message-states.ts";
import { applyDecision } from "./settle.ts";

const participantKey = /^q\/([^/]+)\/(msg|state)\/([^/]+)$/;

/** The key under which a message takes part. */
export function messageKeyOf({ queue, messageId }: MessageAt): string {
  return `q/${queue}/msg/${messageId}`;
}

export interface ParticipantParts {
  readonly shell: RecordShell;
  readonly messages: MessageShell;
  readonly states: MessageStates;
}

export class MessageParticipants implements ParticipantKind {
  readonly #parts: ParticipantParts;

  constructor(parts: ParticipantParts) {
    this.#parts = parts;
  }

  owns(key: string): boolean {
    return key.startsWith("q/") && participantKey.test(key);
  }

  async apply({ namespace, key }: Participant, decided: Decided): Promise<void> {
    const [, queue, part, messageId] = participantKey.exec(key) ?? [];
    if (queue === undefined || messageId === undefined) return;
    const at: MessageAt = {
      namespace: namespace as Namespace,
      queue: queue as QueueName,
      messageId,
    };
    if (part === "msg") await this.#applyToMessage(at, decided);
    else await this.#applyToState(at, decided);
  }

  /** A commit is an ack, a rollback makes the message visible at once. */
  async #applyToMessage(at: MessageAt, { txnId, state }: Decided): Promise<void> {
    await this.#parts.messages.transact<Message | undefined>(
      at,
      (current, nowMs) =>
        current === undefined
          ? keepMessage<Message | undefined>(undefined)
          : applyDecision(current, { ...at, txnId, outcome: state }, nowMs).decision,
      async (message) => {
        const isStateful = state === "commit" && message?.stateEtag !== undefined;
        if (isStateful) await this.#parts.states.erase(at);
      },
    );
  }

  /** A commit deletes the state, its message is gone; a rollback keeps what was published. */
  async #applyToState(at: MessageAt, { txnId, state }: Decided): Promise<void> {
    const name = recordName(at.namespace, stateKeyOf(at.queue, at.messageId));
    await this.#parts.shell.transact(
      name,
      (record, nowUnix) => {
        if (record === undefined) return keep(undefined);
        const { lease, staged } = record;
        if (lease !== undefined && lease.txnId !== txnId) {
          const detail = `${describeMessage(at)}: its state is held under another transaction`;
          return refuse(failure("queue_message_lease_mismatch", detail));
        }
        if (lease === undefined && staged === undefined) return keep(undefined);
        const ended = rolledBack(record, nowUnix);
        return write(ended.record, undefined, ended.garbage);
      },
      { asks: "never" },
    );
    if (state === "commit") await this.#parts.states.erase(at);
  }
}
