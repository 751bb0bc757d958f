/** Names of files for keys, each given once (cli.md section 8). */
export class DocumentNames {
  readonly #given = new Set<string>();

  /** @example next("a/b") // "a-b.json", and "a-b-1.json" for a later "a-b" */
  next(key: string): string {
    const base = baseName(key);
    let name = base;
    for (let again = 1; this.#given.has(name); again += 1) name = `${base}-${again}`;
    this.#given.add(name);
    return `${name}.json`;
  }
}

function baseName(key: string): string {
  const name = key
    .replace(/[\s/\\]/g, "-")
    .replace(/[^\p{L}\p{Nd}_.-]/gu, "_")
    .replace(/^[-_.]+|[-_.]+$/g, "");
  return name === "" ? "doc" : name;
}
