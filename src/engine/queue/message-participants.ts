/** Messages and their states as participants of transactions (http-queue.md section 13.3). */
import { failure } from "../../api/errors.ts";
import { stateKeyOf } from "../../api/message-keys.ts";
import type { Namespace } from "../../api/names.ts";
import { rolledBack } from "../lease/lease-rules.ts";
import { recordName } from "../record/key-record.ts";
import type { RecordShell } from "../record/record-shell.ts";
import { keep, refuse, write } from "../transition.ts";
import type { Decided, ParticipantKind, ParticipantStanding } from "../txn/participant-kind.ts";
import type { Participant } from "../txn/txn-record.ts";
import { describeMessage } from "./fence.ts";
import type { Message, QueueName } from "./message.ts";
import { keep as keepMessage } from "./message-decision.ts";
import type { MessageAt, MessageShell } from "./message-shell.ts";
import type { MessageStates } from "./message-states.ts";
import { applyDecision } from "./settle.ts";
import { decideStaged, type StagedOutcome } from "./staged.ts";
import type { Unstager } from "./unstager.ts";

const participantKey = /^q\/([^/]+)\/(msg|state)\/([^/]+)$/;

function partsOf({
  namespace,
  key,
}: Participant): { readonly at: MessageAt; readonly isMessage: boolean } | undefined {
  const [, queue, part, messageId] = participantKey.exec(key) ?? [];
  if (queue === undefined || messageId === undefined) return undefined;
  const at = { namespace: namespace as Namespace, queue: queue as QueueName, messageId };
  return { at, isMessage: part === "msg" };
}

/** How a message stands with a transaction, in the words of keys. */
function messageStanding(message: Message | undefined, txnId: string): ParticipantStanding {
  if (message === undefined) return { now: "gone" };
  const { staged, lease } = message;
  if (staged !== undefined) {
    return { now: staged.txnId === txnId ? "staged" : "other transaction" };
  }
  if (lease === undefined) return { now: "clean" };
  return {
    now: lease.txnId === txnId ? "leased" : "other transaction",
    owner: lease.owner,
    leaseExpiresAtUnix: lease.expiresAtUnix,
    fencingToken: lease.fencingToken,
  };
}

export interface ParticipantParts {
  readonly shell: RecordShell;
  readonly messages: MessageShell;
  readonly states: MessageStates;
  readonly unstager: Unstager;
}

export class MessageParticipants implements ParticipantKind {
  readonly #parts: ParticipantParts;

  constructor(parts: ParticipantParts) {
    this.#parts = parts;
  }

  owns(key: string): boolean {
    return key.startsWith("q/") && participantKey.test(key);
  }

  async apply(participant: Participant, decided: Decided): Promise<void> {
    const parts = partsOf(participant);
    if (parts === undefined) return;
    if (parts.isMessage) await this.#applyToMessage(parts.at, decided);
    else await this.#applyToState(parts.at, decided);
  }

  async standing(
    participant: Participant,
    txnId: string,
  ): Promise<ParticipantStanding | undefined> {
    const parts = partsOf(participant);
    // The state of a message is a key like any other.
    if (parts === undefined || !parts.isMessage) return undefined;
    return messageStanding((await this.#parts.messages.look(parts.at))?.message, txnId);
  }

  /**
   * A message that was delivered: a commit is an ack, a rollback makes it visible at once. One that
   * was enqueued in the transaction appears, or is deleted.
   */
  async #applyToMessage(at: MessageAt, decided: Decided): Promise<void> {
    const { txnId, state, decidedAtMs, sends } = decided;
    const answer = await this.#parts.messages.transact<Message | StagedOutcome>(
      at,
      (current, nowMs) =>
        current === undefined
          ? keepMessage<StagedOutcome>("done")
          : (decideStaged(current, { ...decided, ...at }) ??
            applyDecision(current, { ...at, txnId, outcome: state, decidedAtMs, sends }, nowMs)
              .decision),
      async (message) => {
        const isStateful =
          typeof message === "object" && state === "commit" && message.stateEtag !== undefined;
        if (isStateful) await this.#parts.states.erase(at);
      },
    );
    if (answer === "linked") await this.#parts.unstager.appear(at, decided);
  }

  /** A commit deletes the state, its message is gone; a rollback keeps what was published. */
  async #applyToState(at: MessageAt, { txnId, state }: Decided): Promise<void> {
    const name = recordName(at.namespace, stateKeyOf(at));
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
