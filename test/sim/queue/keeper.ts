/** Seeded operators: they browse dead letters, put them back into their queues, or delete them. */
import { changeCall, letterCall, lettersCall, type SeenLetter } from "./calls.ts";
import { isUncertain, type QueueCall, type QueueOutcome } from "./wire.ts";
import { type ClientParts, callTimeoutMs } from "./worker.ts";

export class Keeper {
  readonly #parts: ClientParts;
  #calls = 0;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { scenario, scheduler, rng } = this.#parts;
    while (this.#calls < scenario.callsEach) {
      await scheduler.sleep(rng.between(0, scenario.pauseMs * 6));
      const queue = `q${rng.below(scenario.queues)}`;
      if (rng.chance(0.15)) {
        await this.#change(rng.weighted({ redrive: 4, purge: 1 }), queue, undefined);
        continue;
      }
      const listed = await this.#call(lettersCall(queue, undefined));
      if (listed.kind !== "ok") continue;
      const letters = listed.answer as readonly SeenLetter[];
      if (letters.length > 0) await this.#treat(queue, letters);
    }
  }

  async #treat(queue: string, letters: readonly SeenLetter[]): Promise<void> {
    const { rng } = this.#parts;
    const { messageId } = rng.pick(letters);
    const what = rng.weighted({ look: 2, redrive: 5, purge: 2, both: 1 });
    if (what === "look") await this.#call(letterCall(queue, messageId));
    else if (what !== "both") await this.#change(what, queue, messageId);
    else {
      // Two operators who know nothing of each other.
      const other = rng.pick(["redrive", "purge"] as const);
      await Promise.all([
        this.#change("redrive", queue, messageId),
        this.#change(other, queue, messageId),
      ]);
    }
  }

  /** Whoever does not know what became of it does it again. */
  async #change(
    verb: "redrive" | "purge",
    queue: string,
    letterId: string | undefined,
  ): Promise<void> {
    const call = changeCall(verb, queue, letterId);
    let outcome = await this.#call(call);
    for (let retry = 0; retry < 2 && isUncertain(outcome); retry += 1) {
      outcome = await this.#call(call);
    }
  }

  #call(call: QueueCall): Promise<QueueOutcome> {
    const { wire, rng, nodes } = this.#parts;
    this.#calls += 1;
    return wire.call(rng.pick(nodes), call, callTimeoutMs);
  }
}
