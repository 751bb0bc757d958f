/** Values of one label at most; a client that invents names must not fill the memory. */
const valuesMax = 1_000;

/** What further values share. */
const other = "_other";

/** Keeps the number of values of a label bounded: those too many share one. */
export class LabelValues {
  readonly #known = new Set<string>();

  of(raw: string | undefined, fallback: string): string {
    const value = normal(raw, fallback);
    return this.#takes(value) ? value : other;
  }

  /**
   * The value beside another label's. It is the pairs that are bounded: a thousand of each would
   * make a million series.
   */
  beside(first: string, raw: string | undefined, fallback: string): string {
    const value = normal(raw, fallback);
    return this.#takes(`${first}/${value}`) ? value : other;
  }

  #takes(value: string): boolean {
    if (this.#known.has(value)) return true;
    if (this.#known.size >= valuesMax) return false;
    this.#known.add(value);
    return true;
  }
}

function normal(raw: string | undefined, fallback: string): string {
  const text = raw?.trim().toLowerCase() ?? "";
  return text === "" ? fallback : text;
}
