/** Lets calls about one thing run one after the other, first come first served. */
export class SerialTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `call` when the calls before it for `name` are over, however they ended. */
  async run<Answer>(name: string, call: () => Promise<Answer>): Promise<Answer> {
    const before = this.#last.get(name);
    const mine = before === undefined ? call() : before.then(call, call);
    const settled = mine.catch(() => undefined);
    this.#last.set(name, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name);
    }
  }
}
