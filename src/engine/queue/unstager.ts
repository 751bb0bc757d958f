/**
 * Lets staged messages with a group or a dedupe key appear: the commit is what enters them under
 * their key and hangs them up in their group, so that a transaction that stays open holds nobody up
 * and one that is rolled back leaves nothing behind.
 *
 * Where plans are atomic that is one write. Elsewhere it is several, each conditional, in an order
 * that may break off anywhere and be done again, by several at once: the key first, then the place
 * behind the group's last message, then the group's record, and at last the message appears. The
 * race to win: a message that was hung up, whose applier then died, and behind which others queue
 * up. It must not be hung up once more, behind them. So the group's record says that its last
 * message is still to appear, and whoever comes next sees to that first.
 */
import { failure } from "../../api/errors.ts";
import { linkAttemptsMax, unknownOutcomeReadDelayMs } from "../limits.ts";
import type { Step } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import type { Decided } from "../txn/participant-kind.ts";
import { describeMessage } from "./fence.ts";
import type { DedupeRecord } from "./link-records.ts";
import { LinkStore, type Read } from "./link-store.ts";
import type { LinkPorts, Links } from "./links.ts";
import type { Message, StoredMessage } from "./message.ts";
import { keep, type MessageDecision, put } from "./message-decision.ts";
import type { MessageAt } from "./message-shell.ts";
import { appeared, isStagedBy, keyVerdict } from "./staged.ts";

interface Run {
  readonly at: MessageAt;
  readonly decided: Pick<Decided, "txnId" | "decidedAtMs">;
}

export class Unstager {
  readonly #ports: LinkPorts;
  readonly #links: Links;
  readonly #records: LinkStore;

  constructor(ports: LinkPorts, links: Links) {
    this.#ports = ports;
    this.#links = links;
    this.#records = new LinkStore(ports);
  }

  /**
   * Lets the message appear, or deletes it when it is the second with its key. Nothing to do when
   * it is not staged by that transaction any more.
   * @throws cas_mismatch, store errors
   */
  async appear(at: MessageAt, decided: Run["decided"]): Promise<void> {
    const first = await this.#ports.messages.look(at);
    if (!isStagedBy(first?.message, decided.txnId)) return;
    await this.#links.inTurn(at, first?.message.group, async () => {
      for (let attempt = 0; attempt < linkAttemptsMax; attempt += 1) {
        const current = await this.#ports.messages.look(at);
        if (current === undefined || !isStagedBy(current.message, decided.txnId)) return;
        const step = await this.#round({ at, decided }, current);
        if (step === "through") return;
        if (step === "again") await this.#pause(attempt + 1);
      }
      const detail = `${describeMessage(at)}: other writers won ${linkAttemptsMax} times in a row`;
      throw failure("cas_mismatch", detail);
    });
  }

  async #round(run: Run, current: StoredMessage): Promise<Progress> {
    const { at, decided } = run;
    const next = appeared(current.message, decided.decidedAtMs);
    const key = await this.#records.dedupe(at, next);
    const verdict =
      next.dedupe === undefined
        ? "late"
        : keyVerdict(key.link, at, {
            decidedAtMs: decided.decidedAtMs,
            windowEndMs: next.dedupe.untilMs,
          });
    if (verdict === "second") {
      const gone = current.message;
      return this.#change(at, current, {
        decision: () => ({ kind: "delete", gone, answer: true }),
        done: "through",
      });
    }
    const enters = verdict === "enter";
    return this.#ports.store.capabilities.atomicPlan
      ? this.#atOnce(run, current, { next, key, enters })
      : this.#inSteps(run, current, { next, key, enters });
  }

  async #atOnce(
    { at }: Run,
    current: StoredMessage,
    { next, key, enters }: Next,
  ): Promise<Progress> {
    const group = await this.#records.group(at, next);
    const isLast = group.link?.tail === at.messageId;
    if (!isLast) await this.#links.completeLast(at, group.link);
    const linked: Message = isLast ? next : { ...next, previous: group.link?.tail };
    const also = [
      ...(enters ? this.#records.dedupeStep(at, linked, key.tag) : []),
      ...(isLast ? [] : this.#records.groupStep(at, linked, { tag: group.tag })),
    ];
    const decision = () => ({ ...put(linked, () => true), also });
    return this.#change(at, current, { decision, done: "through" });
  }

  /** One of the steps, the first that is missing. */
  async #inSteps(run: Run, current: StoredMessage, { next, key, enters }: Next): Promise<Progress> {
    const { at, decided } = run;
    if (enters) return this.#write(this.#records.dedupeStep(at, next, key.tag));
    const group = await this.#records.group(at, next);
    if (next.group === undefined || group.link?.tail === at.messageId) {
      const decision = () => put(next, () => true);
      return this.#change(at, current, { decision, done: "through" });
    }
    await this.#links.completeLast(at, group.link);
    const placed: Message = { ...current.message, previous: group.link?.tail };
    const decision = () => put(placed, () => true);
    const step = await this.#change(at, current, { decision, done: "on" });
    if (step === "again") return step;
    const { txnId, decidedAtMs } = decided;
    const { tag } = group;
    return this.#write(
      this.#records.groupStep(at, next, { tag, appearing: { txnId, decidedAtMs } }),
    );
  }

  /** Once, and only while the message is as it was looked at. */
  async #change(
    at: MessageAt,
    { etag }: StoredMessage,
    { decision, done }: { decision: () => MessageDecision<boolean>; done: Progress },
  ): Promise<Progress> {
    let isTried = false;
    const isDone = await this.#ports.messages.transact<boolean>(at, (current) => {
      if (isTried || current?.etag !== etag) return keep(false);
      isTried = true;
      return decision();
    });
    return isDone ? done : "again";
  }

  /** Conditional; what became of it shows in the next round. */
  async #write(steps: readonly Step[]): Promise<Progress> {
    const { kind } = await callStore(() => this.#ports.store.apply(steps));
    return kind === "applied" ? "on" : "again";
  }

  #pause(attempt: number): Promise<void> {
    return new Promise((resolve) => {
      this.#ports.clock.schedule(unknownOutcomeReadDelayMs * Math.min(attempt, 8), resolve);
    });
  }
}

/** Through with it; a step further; or somebody else was faster: to be looked at again. */
type Progress = "through" | "on" | "again";

interface Next {
  /** The message as it will appear. */
  readonly next: Message;
  readonly key: Read<DedupeRecord>;
  /** True when its key is free. */
  readonly enters: boolean;
}
