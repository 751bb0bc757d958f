/** Queues told as stories (test/transcripts/queue): one engine, one queue, a clock by hand. */
import path from "node:path";
import { LockdApiError } from "../../../src/api/errors.ts";
import type { AckRequest, Delivery, QueueWatchEvent } from "../../../src/api/queues.ts";
import { settled } from "../../support/manual-clock.ts";
import { testEngine } from "../../support/test-engine.ts";
import { describeTranscripts, type Interpreter, parseCommand } from "../../support/transcript.ts";

type Args = ReadonlyMap<string, string>;

const queue = "jobs";

function numberOf(args: Args, name: string): number | undefined {
  const text = args.get(name);
  return text === undefined ? undefined : Number(text);
}

function shown(error: unknown): string {
  if (!(error instanceof LockdApiError)) return `  ${String(error)}`;
  const retry = error.retryAfterMs === undefined ? "" : ` retry after ${error.retryAfterMs} ms`;
  const what = /missing|mismatch/.exec(error.detail)?.[0];
  return `  ${error.status} ${error.code}${retry}${what === undefined ? "" : ` (${what})`}`;
}

class Stage {
  readonly #world = testEngine();
  readonly #deliveries = new Map<string, AckRequest & { metaEtag: string }>();
  readonly #ids = new Map<string, string>();
  readonly #events: QueueWatchEvent[] = [];
  readonly #late: string[] = [];
  #count = 0;

  async run(command: string): Promise<readonly string[]> {
    const { verb, args } = parseCommand(command);
    const [name = ""] = [...args.keys()];
    try {
      const lines = await this.#perform(verb, name, args);
      return [...lines, ...this.#late.splice(0)];
    } catch (error) {
      return [shown(error)];
    }
  }

  async #perform(verb: string, name: string, args: Args): Promise<readonly string[]> {
    switch (verb) {
      case "enqueue":
        return this.#enqueue(name, args);
      case "deliver":
        return this.#deliver(args);
      case "wait":
        return this.#wait(name);
      case "ack":
      case "nack":
      case "extend":
        return this.#settle(verb, name, args);
      case "sleep":
        await this.#world.clock.advance(Number(name) * 1000);
        return [];
      case "dead":
        return this.#dead();
      case "redrive":
        await this.#world.engine.queues.redrive({ queue, all: true });
        return [];
      case "counts":
        return this.#counts();
      case "watch":
        void this.#watch();
        await settled();
        return [];
      case "events":
        return this.#events.splice(0).map((event) => `  ${this.#eventText(event)}`);
      default:
        throw new TypeError(`unknown verb ${verb}`);
    }
  }

  async #enqueue(text: string, args: Args): Promise<readonly string[]> {
    const answer = await this.#world.engine.queues.enqueue(
      {
        queue,
        delaySeconds: numberOf(args, "delay"),
        ttlSeconds: numberOf(args, "ttl"),
        maxAttempts: numberOf(args, "attempts"),
        maxDeliveries: numberOf(args, "deliveries"),
        visibilityTimeoutSeconds: numberOf(args, "visibility"),
        priority: numberOf(args, "priority"),
        group: args.get("group"),
        dedupeKey: args.get("key"),
        dedupeWindowSeconds: numberOf(args, "window"),
      },
      Buffer.from(text),
    );
    await settled();
    if (answer.duplicate) return [`  duplicate of ${this.#ids.get(answer.messageId)}`];
    this.#ids.set(answer.messageId, text);
    return [];
  }

  async #deliver(args: Args): Promise<readonly string[]> {
    const page = await this.#world.engine.queues.dequeue({
      queue,
      owner: "w",
      waitSeconds: -1,
      pageSize: numberOf(args, "page"),
      visibilityTimeoutSeconds: numberOf(args, "visibility"),
    });
    return page.map((delivery) => this.#keep(delivery));
  }

  /** A consumer that waits for ever; what it gets is told after the command that made it so. */
  async #wait(name: string): Promise<readonly string[]> {
    const waiting = this.#world.engine.queues.dequeue({ queue, owner: name, waitSeconds: 0 });
    void waiting.then(
      ([delivery]) => {
        if (delivery !== undefined) this.#late.push(`${this.#keep(delivery)} to ${name}`);
      },
      (error: unknown) => this.#late.push(`${shown(error)} to ${name}`),
    );
    await settled();
    return [];
  }

  #keep(delivery: Delivery): string {
    this.#count += 1;
    const name = `d${this.#count}`;
    const { messageId, leaseId, fencingToken, metaEtag, txnId } = delivery;
    this.#deliveries.set(name, { queue, messageId, leaseId, fencingToken, metaEtag, txnId });
    const text = Buffer.from(delivery.payload as Uint8Array).toString();
    const { attempts, failureAttempts, visibilityTimeoutSeconds } = delivery;
    const failures = failureAttempts === 0 ? "" : ` failures=${failureAttempts}`;
    return (
      `  ${name}: ${text} attempts=${attempts}${failures} token=${fencingToken} ` +
      `visibility=${visibilityTimeoutSeconds}`
    );
  }

  async #settle(
    verb: "ack" | "nack" | "extend",
    name: string,
    args: Args,
  ): Promise<readonly string[]> {
    const delivery = this.#deliveries.get(name);
    if (delivery === undefined) throw new TypeError(`no delivery ${name}`);
    const token = numberOf(args, "token");
    const identity = token === undefined ? delivery : { ...delivery, fencingToken: token };
    const { queues } = this.#world.engine;
    if (verb === "ack") await queues.ack(identity);
    if (verb === "nack") {
      const { metaEtag } = await queues.nack({
        ...identity,
        intent: args.get("intent"),
        delaySeconds: numberOf(args, "delay"),
        lastError: args.get("error"),
      });
      // A new tag, with which an old lease is not worth more than before.
      this.#deliveries.set(name, { ...delivery, metaEtag });
    }
    if (verb === "extend") {
      const extended = await queues.extend({ ...identity, extendBySeconds: numberOf(args, "by") });
      if (!args.has("forget")) {
        this.#deliveries.set(name, { ...delivery, metaEtag: extended.metaEtag });
      }
      await settled();
      const from = Math.floor(this.#world.clock.wallMs() / 1000);
      return [`  until ${extended.leaseExpiresAtUnix - from} s from now`];
    }
    await settled();
    return [];
  }

  async #dead(): Promise<readonly string[]> {
    const { letters } = await this.#world.engine.queues.deadLetters({ queue });
    return letters.map(({ messageId, attempts, failureAttempts, lastError }) => {
      const { reason, previous } = lastError as { reason: string; previous?: unknown };
      const why = previous === undefined ? reason : `${reason} after ${JSON.stringify(previous)}`;
      const text = this.#ids.get(messageId) ?? "?";
      return `  ${text} attempts=${attempts} failures=${failureAttempts} ${why}`;
    });
  }

  async #counts(): Promise<readonly string[]> {
    const { queues } = await this.#world.engine.queues.list({});
    return queues.map(
      ({ ready, delayed, inFlight, dead }) =>
        `  ready=${ready} delayed=${delayed} in flight=${inFlight} dead=${dead}`,
    );
  }

  async #watch(): Promise<void> {
    const events = await this.#world.engine.queues.watch({ queue });
    for await (const event of events) this.#events.push(event);
  }

  #eventText({ available, headMessageId }: QueueWatchEvent): string {
    return available ? `available ${this.#ids.get(headMessageId ?? "")}` : "empty";
  }
}

describeTranscripts(path.join(import.meta.dirname, "../../transcripts/queue"), (): Interpreter => {
  const stage = new Stage();
  return (command) => stage.run(command);
});
