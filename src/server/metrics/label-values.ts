/** Values of one label at most; a client that invents names must not fill the memory. */
const valuesMax = 1_000;

/** Keeps the number of values of a label bounded: those too many share one. */
export class LabelValues {
  readonly #known = new Set<string>();

  of(raw: string | undefined, fallback: string): string {
    const text = raw?.trim().toLowerCase() ?? "";
    const value = text === "" ? fallback : text;
    if (this.#known.has(value)) return value;
    if (this.#known.size >= valuesMax) return "_other";
    this.#known.add(value);
    return value;
  }
}
