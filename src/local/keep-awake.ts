/** Milliseconds; the longest timer there is. It only has to exist. */
const longMs = 2_147_483_647;

/**
 * Keeps the process alive while work is under way that waits on timers which do not: an engine in
 * this process that waits for a lease has nothing else that would.
 */
export class KeepAwake {
  #timer: NodeJS.Timeout | undefined;
  #running = 0;

  async during<T>(work: () => Promise<T>): Promise<T> {
    const release = this.hold();
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** From now on, until the answered function is called; once is enough. */
  hold(): () => void {
    this.#running += 1;
    this.#timer ??= setInterval(() => {}, longMs);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#running -= 1;
      if (this.#running > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }
}
