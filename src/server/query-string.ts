/** The query of a request target (http-core.md section 3.1): form decoding, first value wins. */
export class Query {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The decoded first value of a parameter; undefined when it is absent or malformed. */
  get(name: string): string | undefined {
    const text = this.#text;
    let from = 0;
    while (from < text.length) {
      const next = text.indexOf("&", from);
      const to = next === -1 ? text.length : next;
      const value = valueIn(text.slice(from, to), name);
      if (value !== undefined) return value;
      from = to + 1;
    }
    return undefined;
  }

  /** All decoded pairs in their order; malformed ones are left out. */
  *entries(): Generator<readonly [name: string, value: string]> {
    for (const pair of this.#text.split("&")) {
      const at = pair.indexOf("=");
      const name = decoded(at === -1 ? pair : pair.slice(0, at));
      const value = at === -1 ? "" : decoded(pair.slice(at + 1));
      if (name !== undefined && name !== "" && value !== undefined) yield [name, value];
    }
  }

  /** `1 true on yes` in any case; everything else is false. */
  flag(name: string): boolean {
    const value = this.get(name)?.toLowerCase();
    return value === "1" || value === "true" || value === "on" || value === "yes";
  }
}

function valueIn(pair: string, name: string): string | undefined {
  const at = pair.indexOf("=");
  const rawName = at === -1 ? pair : pair.slice(0, at);
  if (rawName !== name && decoded(rawName) !== name) return undefined;
  return at === -1 ? "" : decoded(pair.slice(at + 1));
}

function decoded(text: string): string | undefined {
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
