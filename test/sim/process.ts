/**
 * A simulated operating-system process: it can be frozen and killed. Everything that reaches the
 * code of a node goes through `deliver`, so a dead node runs nothing and a frozen one runs later.
 */
export class SimProcess {
  #life = 1;
  #up = true;
  #frozen = false;
  #deferred: (() => void)[] = [];
  readonly #onDeath = new Set<() => void>();

  /** Counts up with every death: what was meant for an earlier life is dropped. */
  get life(): number {
    return this.#life;
  }

  get up(): boolean {
    return this.#up;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  isAlive(life: number): boolean {
    return this.#up && this.#life === life;
  }

  /** Runs `run` if that life still lasts: now, or when the process is thawed. */
  deliver(life: number, run: () => void): void {
    if (!this.isAlive(life)) return;
    if (this.#frozen) this.#deferred.push(() => this.deliver(life, run));
    else run();
  }

  /** Calls `died` once when this life ends; forget it with the returned function. */
  onDeath(died: () => void): () => void {
    this.#onDeath.add(died);
    return () => this.#onDeath.delete(died);
  }

  freeze(): void {
    this.#frozen = true;
  }

  /** What came meanwhile, in its order; the caller runs each as an event of its own. */
  thaw(): readonly (() => void)[] {
    const deferred = this.#deferred;
    this.#deferred = [];
    this.#frozen = false;
    return deferred;
  }

  kill(): void {
    this.#up = false;
    this.#life += 1;
    this.#frozen = false;
    this.#deferred = [];
    const died = [...this.#onDeath];
    this.#onDeath.clear();
    for (const tell of died) tell();
  }

  revive(): void {
    this.#up = true;
  }
}
