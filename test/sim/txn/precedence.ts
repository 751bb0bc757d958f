/** Who must come before whom; a cycle means that no order explains everything. */
export class Precedence {
  readonly #after = new Map<string, Set<string>>();

  edge(one: string, other: string): void {
    const known = this.#after.get(one) ?? new Set();
    this.#after.set(one, known.add(other));
  }

  /** Whoever ended before another began comes before it. */
  inTime(
    events: readonly {
      readonly mark: string;
      readonly beganAt: number;
      readonly endedAt: number;
    }[],
  ): void {
    for (const one of events) {
      for (const other of events) {
        if (one.endedAt < other.beganAt) this.edge(one.mark, other.mark);
      }
    }
  }

  cycle(): readonly string[] | undefined {
    const done = new Set<string>();
    const path: string[] = [];
    const visit = (mark: string): readonly string[] | undefined => {
      if (path.includes(mark)) return [...path.slice(path.indexOf(mark)), mark];
      if (done.has(mark)) return undefined;
      path.push(mark);
      for (const next of this.#after.get(mark) ?? []) {
        const cycle = visit(next);
        if (cycle !== undefined) return cycle;
      }
      path.pop();
      done.add(mark);
      return undefined;
    };
    for (const mark of [...this.#after.keys()]) {
      const cycle = visit(mark);
      if (cycle !== undefined) return cycle;
    }
    return undefined;
  }
}
