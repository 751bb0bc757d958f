/** The cost of a completion: look-ups are bounded however many keys there are. */
import { expect, test } from "vitest";
import { storedNames } from "../../../src/engine/observe/stored-names.ts";
import type { PageOptions, Store } from "../../../src/engine/ports/store.ts";

/** A store whose names are computed, so that very many cost nothing; it counts what is read. */
function vastStore(count: number) {
  const read = { looks: 0, names: 0 };
  const nameAt = (at: number): string => {
    const digits = String(at).padStart(9, "0");
    return `k/default/${digits.slice(0, 3)}/${digits.slice(3, 6)}/${digits.slice(6)}`;
  };
  /** The first number whose name stands behind `name`. */
  const behind = (name: string): number => {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nameAt(middle) > name) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const list = async (prefix: string, { after, limit }: PageOptions) => {
    read.looks += 1;
    const first = behind(after !== undefined && after > prefix ? after : prefix);
    const names: string[] = [];
    for (let at = first; at < count && names.length <= limit; at += 1) {
      const name = nameAt(at);
      if (!name.startsWith(prefix)) break;
      names.push(name);
    }
    const page = names.slice(0, limit);
    read.names += page.length;
    return { names: page, more: names.length > limit };
  };
  return { store: { list } as unknown as Store, read };
}

test.each([
  ["", 100, ["000/", "001/", "002/"]],
  ["00", 10, ["000/", "001/", "002/"]],
  ["001/", 10, Array.from({ length: 10 }, (_, at) => `001/00${at}/`)],
  ["001/234/56", 20, Array.from({ length: 10 }, (_, at) => `001/234/56${at}`)],
])("of three million keys, %j costs a bounded number of looks", async (prefix, limit, names) => {
  const { store, read } = vastStore(3_000_000);
  const options = { store, defaultNamespace: "default" };
  const answer = await storedNames(options, { kind: "key", prefix, limit }, undefined);
  expect(answer.names).toEqual(names);
  expect(answer.more).toBe(prefix === "001/");
  expect(read.looks).toBeLessThanOrEqual(limit + 2);
  expect(read.names).toBeLessThanOrEqual(2 * limit + 2);
});

test("a caller who goes away is not worked for", async () => {
  const { store, read } = vastStore(3_000_000);
  const gone = AbortSignal.abort(new Error("gone"));
  const options = { store, defaultNamespace: "default" };
  await expect(storedNames(options, { kind: "key" }, gone)).rejects.toThrow("gone");
  expect(read.looks).toBe(1);
});
